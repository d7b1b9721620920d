#include "sys/range_act.h"

#include "sys/tool_win.h"

enum {
    DEADLINE_MS = 10000,
};

struct str
range_act_folder(struct arena *arena)
{
    (void)arena;
    return (struct str){0};
}

// netsh tells what is excluded (sys/reserved.h); a single value of its own it does not have.
bool
range_act_read(struct arena *arena, struct str target, struct str *out, struct err *err)
{
    (void)arena;
    (void)target;
    (void)err;
    *out = (struct str){0};
    return true;
}

// By netsh and not by CreatePersistentTcpPortReservation, whose blocks only a program that has their token may bind.
bool
range_act_do(struct arena *arena, const struct range_act *act, struct err *err)
{
    struct str said;
    struct str_list words = tool_words(arena, act->after);
    struct err why = {0};

    if (tool_run(arena, "netsh.exe", &words, DEADLINE_MS, &said, &why))
        return true;
    // What it says comes in the user's language and is only shown.
    return err_set(err, why.kind == ERR_SYSTEM ? ERR_NOT_ALLOWED : why.kind, why.os, "netsh %.*s: %.*s",
                   STR_ARG(act->after), STR_ARG(said.len ? str_trim(said) : str_of(why.text)));
}
