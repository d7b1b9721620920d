// The words of the helper that presses Ctrl-C, and who is a bystander.

#include "decode/console.h"

#include "tap.h"

static struct console_pids
pids(struct arena *arena, const char *words)
{
    struct console_pids list = {0};
    CHECK(console_pids_parse(arena, str_of(words), &list));
    return list;
}

static struct str
bystanders(struct arena *arena, const char *present, const char *meant, uint32_t helper)
{
    struct console_pids on = pids(arena, present);
    struct console_pids to_end = pids(arena, meant);
    struct console_answer answer = {.kind = CONSOLE_OTHERS};
    console_bystanders(arena, &on, &to_end, helper, &answer.pids);
    return console_answer_format(arena, &answer);
}

TEST(whoever_is_not_meant_is_a_bystander)
{
    CHECK_STR(bystanders(arena, "90 40", "40", 90), "others");
    CHECK_STR(bystanders(arena, "90 40 41", "41 40 99", 90), "others");
    CHECK_STR(bystanders(arena, "90 40 33", "40", 90), "others 33");
    CHECK_STR(bystanders(arena, "33 34 40 33", "40", 90), "others 33 34");
    // The helper of another run is none of this one.
    CHECK_STR(bystanders(arena, "90 91 40", "40", 90), "others 91");
    CHECK_STR(bystanders(arena, "", "40", 90), "others");
}

TEST(a_number_of_nobody_is_no_bystander)
{
    struct console_pids on = {0};
    struct console_pids meant = {0};
    struct console_pids out = {0};
    *LIST_ADD(arena, &on) = 0;
    *LIST_ADD(arena, &on) = 7;
    console_bystanders(arena, &on, &meant, 0, &out);
    CHECK_INT(out.count, 1);
    CHECK_INT(out.items[0], 7);
}

TEST(answers_are_read_as_they_are_written)
{
    static const char *const lines[] = {"pressed 40 41", "others 500", "none 6", "failed 87", "pressed", "none 0"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct console_answer answer;
        CHECK(console_answer_parse(arena, str_of(lines[i]), &answer));
        CHECK_STR(console_answer_format(arena, &answer), lines[i]);
    }
}

TEST(what_is_no_answer_is_refused)
{
    static const char *const lines[] = {"",         "presse 4",  "pressed 4 x", "none",      "none x",
                                        "none 6 7", "others -1", "failed",      "pressed 0", "others 4294967296"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct console_answer answer;
        CHECK(!console_answer_parse(arena, str_of(lines[i]), &answer));
    }
}

TAP_MAIN
