#include "sys/dialog.h"

#include <stdio.h>

#include "base/buf.h"
#include "sys/fake_host.h"
#include "sys/term.h"

// What is typed stands in the environment as MOORAGE_FAKE_ANSWERS: "y|n", a line each. Without it nobody is there.
static const char *rest;
static const char *begun;
static bool held;

bool
dialog_is_possible(bool *on_output)
{
    if (on_output)
        *on_output = true;
    return fake_host_variable("MOORAGE_FAKE_ANSWERS") != NULL;
}

bool
dialog_shows_progress(void)
{
    return false;
}

bool
dialog_read_line(struct arena *arena, struct str *out)
{
    const char *answers = fake_host_variable("MOORAGE_FAKE_ANSWERS");
    struct str left;

    if (!fake_host_call("dialog_read_line", NULL) || !answers)
        return false;
    if (begun != answers) {
        begun = answers;
        rest = answers;
    }
    left = str_of(rest);
    if (!rest || !str_cut(&left, '|', out))
        return false;
    rest = left.ptr;
    *out = str_copy(arena, *out);
    return true;
}

void
dialog_hold_interrupt(bool hold)
{
    held = hold;
}

// A script may press Ctrl-C: a call that is made to fail.
bool
dialog_interrupted(void)
{
    return held && !fake_host_call("dialog_interrupted", NULL);
}
