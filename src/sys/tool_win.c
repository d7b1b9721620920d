#include "sys/tool_win.h"

#include <windows.h>

#include "base/buf.h"
#include "sys/fault_win.h"
#include "sys/spawn.h"
#include "sys/wide_win.h"

enum {
    MOST_WORDS = 24,
    PRINT_LIMIT = 4 << 20,
};

static const char *other_folder;

void
tool_use_folder(const char *folder)
{
    other_folder = folder;
}

static bool
find_tool(struct arena *arena, const char *name, struct str *path, struct err *err)
{
    wchar_t folder[MAX_PATH];
    if (other_folder) {
        *path = str_printf(arena, "%s\\%s", other_folder, name);
        return true;
    }
    UINT units = GetSystemDirectoryW(folder, MAX_PATH);
    if (units == 0 || units >= MAX_PATH)
        return fault_set(err, GetLastError(), "find the folder of %s", name);
    *path = str_printf(arena, "%.*s\\%s", STR_ARG(wide_to(arena, folder, units)), name);
    return true;
}

bool
tool_run(struct arena *arena, const char *name, const char *line, struct str last, unsigned deadline_ms,
         struct raw_bytes *raw, struct str *out, struct err *err)
{
    struct str argv[MOST_WORDS] = {{NULL, 0}};
    struct str rest = str_of(line);
    struct spawn_answer answer = {.code = 0};
    struct buf called = {.arena = arena};
    size_t argc = 1;
    if (!find_tool(arena, name, &argv[0], err))
        return false;
    while (argc < MOST_WORDS - 1 && str_word(&rest, &argv[argc]))
        argc++;
    if (last.len > 0)
        argv[argc++] = last;
    if (!spawn_read(arena, argv, argc, deadline_ms, PRINT_LIMIT, &answer, err))
        return false;
    buf_addf(&called, "spawn %.*s", STR_ARG(argv[0]));
    for (size_t i = 1; i < argc; i++)
        buf_addf(&called, " %.*s", STR_ARG(argv[i]));
    if (raw)
        *raw = (struct raw_bytes){buf_str(&called), answer.out};
    *out = answer.out;
    if (answer.code != 0)
        return err_set(err, ERR_SYSTEM, (unsigned long)(unsigned)answer.code, "%s %s: it ends with code %d", name, line,
                       answer.code);
    return true;
}
