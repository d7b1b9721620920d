#include "sys/tool_win.h"

#include <windows.h>

#include "sys/fault_win.h"
#include "sys/spawn.h"
#include "sys/wide_win.h"

#define PRINT_LIMIT (4u << 20)

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

struct str_list
tool_words(struct arena *arena, struct str line)
{
    struct str_list words = {.count = 0};
    struct str word;
    while (str_word(&line, &word))
        *LIST_ADD(arena, &words) = word;
    return words;
}

bool
tool_run(struct arena *arena, const char *name, const struct str_list *words, unsigned deadline_ms, struct str *out,
         struct err *err)
{
    struct spawn_answer answer = {.code = 0};
    struct str *argv = arena_array(arena, words->count + 1, sizeof *argv);
    *out = STR("");
    if (!find_tool(arena, name, &argv[0], err))
        return false;
    for (size_t i = 0; i < words->count; i++)
        argv[i + 1] = words->items[i];
    if (!spawn_read(arena, argv, words->count + 1, deadline_ms, PRINT_LIMIT, &answer, err))
        return false;
    *out = answer.out;
    return answer.code == 0 || err_set(err, ERR_SYSTEM, (unsigned long)(unsigned)answer.code,
                                       "run %s: it ends with code %d", name, answer.code);
}

bool
tool_ask_netsh(struct arena *arena, struct str line, unsigned deadline_ms, struct raw_bytes *raw, struct str *out,
               struct err *err)
{
    static const char name[] = "netsh.exe";
    struct str_list words = tool_words(arena, line);
    struct str path = {0};
    bool good = tool_run(arena, name, &words, deadline_ms, out, err);
    if (find_tool(arena, name, &path, NULL))
        *raw = (struct raw_bytes){str_printf(arena, "spawn %.*s %.*s", STR_ARG(path), STR_ARG(line)), *out};
    return good;
}
