#include "cmd/ask.h"

#include "base/arena.h"
#include "base/str.h"
#include "cmd/command.h"
#include "sys/dialog.h"
#include "sys/term.h"

static struct str
question(int asked, int code)
{
    if (asked == 0)
        return STR("\nWhich port? (Enter closes) ");
    // The commands that would help stand in the answer.
    return code == EXIT_BAD ? STR("\nAnother port, or a command from above? (Enter closes) ")
                            : STR("\nAnother port? (Enter closes) ");
}

// The words of a line as main() gets them. They must be NUL-terminated and may be changed by who is given them.
static int
run_line(struct arena *arena, struct str line, int (*run)(int argc, char **argv))
{
    static struct str program = STR_INIT("moorage");
    struct str_list words = {0};
    struct str word;
    *LIST_ADD(arena, &words) = program;
    while (str_word(&line, &word))
        if (words.count > 1 || !str_equal_nocase(word, program))
            *LIST_ADD(arena, &words) = word;
    char **argv = arena_array(arena, words.count + 1, sizeof *argv);
    for (size_t i = 0; i < words.count; i++)
        argv[i] = str_c(arena, words.items[i]);
    return run((int)words.count, argv);
}

int
ask_lines(int (*run)(int argc, char **argv), int code)
{
    for (int asked = 0;; asked++) {
        struct arena *arena = arena_open();
        struct str line;
        bool more = term_write(question(asked, code), NULL) && dialog_read_line(arena, &line) && str_trim(line).len > 0;
        if (more) {
            (void)term_write(STR("\n"), NULL);
            code = run_line(arena, line, run);
        }
        arena_close(arena);
        if (!more)
            return code;
    }
}
