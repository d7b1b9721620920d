#include "cmd/agree.h"

#include "base/utf8.h"
#include "sys/dialog.h"
#include "sys/term.h"
#include "sys/user.h"

// Where the person reads: the document of --json has standard output for itself.
static bool
person_reads_output(const struct command_run *run)
{
    bool on_output = false;

    (void)dialog_is_possible(&on_output);
    return on_output && !run->common.json;
}

bool
agree_is_possible(const struct command_run *run)
{
    (void)run;
    return dialog_is_possible(NULL);
}

void
agree_say(struct command_run *run)
{
    struct str text = buf_str(&run->out);

    if (run->common.quiet || text.len == 0) {
        run->out.len = 0;
        return;
    }
    if (!dialog_is_possible(NULL)) {
        if (!run->common.json)
            (void)term_write(text, NULL);
    } else if (person_reads_output(run)) {
        (void)term_write(text, NULL);
    } else {
        (void)term_write_error(text);
    }
    run->out.len = 0;
}

struct str
agree_read(struct command_run *run, struct str question)
{
    struct str line = {0};

    if (person_reads_output(run))
        (void)term_write(question, NULL);
    else
        (void)term_write_error(question);
    if (!dialog_read_line(run->arena, &line)) {
        // The line was not ended by a key.
        (void)term_write_error(STR("\n"));
        return (struct str){0};
    }
    return line;
}

bool
agree_ask(struct command_run *run, struct str question)
{
    struct str answer = agree_read(run, question);

    return str_equal_nocase(answer, STR("y")) || str_equal_nocase(answer, STR("yes"));
}

void
agree_show(const struct command_run *run, struct str text)
{
    if (run->common.quiet || run->common.json || !dialog_shows_progress())
        return;
    struct str line = run->width > 1 ? utf8_fit(run->arena, text, run->width - 1, false) : text;
    (void)term_write_error(str_printf(run->arena, "\r\033[K%.*s", STR_ARG(line)));
}

uint32_t
agree_me(void)
{
    struct user_self self = user_self();
    uint64_t uid = 0;

    if (self.admin && str_to_u64(term_environment("SUDO_UID", NULL), 10, &uid) && uid <= UINT32_MAX)
        return (uint32_t)uid;
    return self.uid;
}

void
agree_who(const struct command_run *run, uint32_t *uid, struct str *user, struct str *invoker)
{
    uint32_t me = agree_me();

    *uid = user_self().uid;
    *user = user_name(run->arena, *uid);
    *invoker = me == *uid ? (struct str){0} : user_name(run->arena, me);
}
