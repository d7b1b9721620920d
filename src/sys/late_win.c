#include "sys/late_win.h"

#include <windows.h>

#include <string.h>

// Wine 8: "@ stub" in the library's .spec file.
static const char *const stubs[] = {
    "I_QueryTagInformation",
    "HttpQueryRequestQueueProperty",
};

bool
late_is_wine(void)
{
    return GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "wine_get_version") != NULL;
}

late_function
late_find(const wchar_t *library, const char *name)
{
    HMODULE module = GetModuleHandleW(library);
    if (!module)
        module = LoadLibraryExW(library, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (!module)
        return NULL;
    if (late_is_wine())
        for (size_t i = 0; i < sizeof stubs / sizeof *stubs; i++)
            if (strcmp(stubs[i], name) == 0)
                return NULL;
    return (late_function)GetProcAddress(module, name);
}
