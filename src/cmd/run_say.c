#include "cmd/run_say.h"

#include <string.h>

#include "base/utf8.h"
#include "cmd/words.h"
#include "sys/term.h"

struct str
run_title(const struct running *running)
{
    struct str name = running->wish.name.len ? running->wish.name : str_base_name(running->run->behind.items[0]);

    return utf8_display(running->run->arena, str_part(name, 0, 80));
}

void
run_say(const struct running *running, struct str sentence)
{
    struct buf line = {.arena = running->run->arena};

    if (running->run->common.quiet)
        return;
    words_fold(&line, str_printf(running->run->arena, "moorage: %.*s", STR_ARG(sentence)), 0, running->said.width);
    buf_add_byte(&line, '\n');
    (void)term_write_error(buf_str(&line));
}

void
run_say_ending(const struct running *running, int64_t grace_ms)
{
    struct arena *arena = running->run->arena;

    run_say(running, str_printf(arena,
                                "%.*s has not ended yet: what still lives after %.*s is ended hard, or now when it is "
                                "asked to end again",
                                STR_ARG(run_title(running)), STR_ARG(words_took(arena, grace_ms))));
}

void
run_say_end(const struct running *running)
{
    struct arena *arena = running->run->arena;
    const struct supervise_end *end = &running->end;
    struct str title = run_title(running);
    struct str first = utf8_display(arena, (struct str){end->first, strlen(end->first)});
    if (first.len == 0)
        first = STR("a program");

    if (end->guard_died)
        run_say(running, STR("the process that guards the run was ended by somebody: all was ended"));
    if (end->left == 1)
        run_say(running, str_printf(arena, "%.*s left %.*s behind, which was ended", STR_ARG(title), STR_ARG(first)));
    if (end->left > 1)
        run_say(running, str_printf(arena, "%.*s left %.*s and %zu more behind, which were ended", STR_ARG(title),
                                    STR_ARG(first), end->left - 1));
    if (end->hard)
        run_say(running, str_printf(arena, "%.*s did not end in time and %s ended hard",
                                    STR_ARG(words_count(arena, end->hard, "program", "programs")),
                                    end->hard == 1 ? "was" : "were"));
    if (end->stubborn)
        run_say(running, str_printf(arena, "%.*s of other users could not be ended",
                                    STR_ARG(words_count(arena, end->stubborn, "program", "programs"))));
}
