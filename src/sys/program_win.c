#include "sys/program_win.h"

#include <windows.h>

#include "base/buf.h"
#include "sys/command_line_win.h"
#include "sys/term.h"
#include "sys/wide_win.h"

// The full path of the file, NULL where there is none; `ending` is added where the name has none.
static wchar_t *
search(struct arena *arena, const wchar_t *name, const wchar_t *ending)
{
    DWORD units = SearchPathW(NULL, name, ending, 0, NULL, NULL);
    wchar_t *path = arena_array(arena, (size_t)units + 1, sizeof *path);

    return units && SearchPathW(NULL, name, ending, units, path, NULL) < units ? path : NULL;
}

static wchar_t *
find_file(struct arena *arena, struct str name)
{
    struct str endings = term_environment("PATHEXT", NULL);
    struct str ending;
    wchar_t *wide = wide_from(arena, name);
    wchar_t *path = NULL;

    if (endings.len == 0)
        endings = STR(".COM;.EXE;.BAT;.CMD");
    // The name as it stands counts only where it has an ending: a file "npm" beside "npm.cmd" is a shell script.
    if (str_find_byte(str_base_name(name), '.') != SIZE_MAX)
        path = search(arena, wide, NULL);
    while (!path && str_cut(&endings, ';', &ending))
        if (ending.len)
            path = search(arena, wide, wide_from(arena, ending));
    return path;
}

// The command processor takes a line apart in its own way: each word stands in quotation marks, and those within are doubled
// (cmd /?, /s: the outer pair is taken off, what stands between is kept).
static struct str
batch_line(struct arena *arena, struct str program, const struct str *words, size_t count)
{
    struct buf line = {.arena = arena};

    buf_addf(&line, "cmd.exe /d /s /c \"\"%.*s\"", STR_ARG(program));
    for (size_t i = 1; i < count; i++) {
        buf_add_c(&line, " \"");
        for (size_t k = 0; k < words[i].len; k++) {
            if (words[i].ptr[k] == '"')
                buf_add_byte(&line, '"');
            buf_add_byte(&line, words[i].ptr[k]);
        }
        buf_add_byte(&line, '"');
    }
    buf_add_byte(&line, '"');
    return buf_str(&line);
}

bool
program_find(struct arena *arena, const struct str *words, size_t count, wchar_t **program, wchar_t **line)
{
    *program = find_file(arena, words[0]);
    if (!*program)
        return false;
    struct str path = wide_to_z(arena, *program);
    size_t end = path.len > 4 ? path.len - 4 : 0;
    struct str ending = str_part(path, end, SIZE_MAX);
    if (str_equal_nocase(ending, STR(".bat")) || str_equal_nocase(ending, STR(".cmd"))) {
        *line = wide_from(arena, batch_line(arena, path, words, count));
        *program = search(arena, L"cmd.exe", NULL);
        return *program != NULL;
    }
    struct buf joined = {.arena = arena};
    for (size_t i = 0; i < count; i++)
        command_line_add(&joined, words[i]);
    *line = wide_from(arena, buf_str(&joined));
    return true;
}
