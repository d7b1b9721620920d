#include "cmd/why_lines.h"

#include "base/ink.h"
#include "base/table.h"
#include "cmd/words.h"

// What a screen takes. Without a terminal each port has its line, for grep, and each taken one its details.
enum {
    DETAILS_MOST = 5,     // more taken ports than this get a line each and no details
    FREE_LINES_MOST = 16, // more ports than this: free neighbours share a line
};

// UDP beside a TCP question is worth words only where there is something to tell of UDP itself: a missing right is the
// same for both.
static bool
is_shown(const struct why_outcome *outcome)
{
    if (outcome->failed)
        return false;
    return !outcome->beside || outcome->answer.verdict == WHY_TAKEN || outcome->answer.verdict == WHY_RESERVED ||
           why_text_is_remarkable(&outcome->answer);
}

static void
print_details(const struct why_view *view, const struct why_outcomes *outcomes, bool taken_only, struct buf *out)
{
    bool first = out->len == 0;

    for (size_t i = 0; i < outcomes->count; i++) {
        const struct why_outcome *outcome = &outcomes->items[i];
        if (!is_shown(outcome) || (taken_only && outcome->answer.bindable))
            continue;
        if (!first)
            buf_add_byte(out, '\n');
        first = false;
        why_text_answer(view, &outcome->answer, out);
    }
}

// How many outcomes from `at` on are free neighbours that may share one line.
static size_t
free_run(const struct why_outcomes *outcomes, size_t at, uint16_t *last)
{
    const struct why_outcome *first = &outcomes->items[at];
    size_t count = 0;

    *last = first->answer.question.endpoint.first;
    for (size_t i = at; i < outcomes->count && outcomes->items[i].asked == first->asked; i++) {
        const struct why_outcome *outcome = &outcomes->items[i];
        if (outcome->beside ? is_shown(outcome)
                            : outcome->failed || !outcome->answer.bindable || why_text_is_remarkable(&outcome->answer))
            break;
        if (!outcome->beside)
            *last = outcome->answer.question.endpoint.first;
        count++;
    }
    return count;
}

static void
print_lines(const struct why_view *view, const struct why_outcomes *outcomes, struct buf *out)
{
    static const struct table_column columns[] = {
        {.right = false, .ink = INK_STRONG}, {.right = false}, {.right = false}, {.shrinks = true, .ink = INK_NAME}};
    struct table table = {.arena = view->arena, .columns = columns, .column_count = 4};
    bool shared = view->width > 0 && outcomes->ports > FREE_LINES_MOST;

    for (size_t i = 0, step; i < outcomes->count; i += step) {
        const struct why_outcome *outcome = &outcomes->items[i];
        uint16_t port = outcome->answer.question.endpoint.first;
        uint16_t last;
        step = shared && !outcome->beside ? free_run(outcomes, i, &last) : 0;
        if (step > 1 && last > port) {
            table_add(&table, (struct str[]){str_printf(view->arena, "%u-%u", port, last),
                                             words_protocol(outcome->answer.question.protocol), STR("free"), STR("")});
            continue;
        }
        step = 1;
        if (is_shown(outcome))
            table_add(&table, (struct str[]){str_printf(view->arena, "%u", port),
                                             words_protocol(outcome->answer.question.protocol),
                                             why_text_verdict(&outcome->answer), why_text_who(view, &outcome->answer)});
    }
    table_print(&table, out, view->width, false, view->colour);
}

static void
print_count(const struct why_view *view, const struct why_outcomes *outcomes, struct buf *out)
{
    size_t good = 0;
    size_t bad = 0;
    size_t unknown = 0;

    for (size_t i = 0; i < outcomes->count; i++) {
        const struct why_outcome *outcome = &outcomes->items[i];
        if (outcome->beside)
            continue;
        if (outcome->failed || outcome->answer.verdict == WHY_UNKNOWN)
            unknown++;
        else if (outcome->answer.bindable)
            good++;
        else
            bad++;
    }
    buf_addf(out, "\n%.*s: %zu free, %zu not", STR_ARG(words_count(view->arena, outcomes->ports, "port", "ports")),
             good, bad);
    if (unknown)
        buf_addf(out, ", %zu could not be found out", unknown);
    buf_add_byte(out, '\n');
}

void
why_lines_print(const struct why_view *view, const struct why_outcomes *outcomes, struct buf *out)
{
    size_t taken = 0;

    for (size_t i = 0; i < outcomes->count; i++)
        taken += is_shown(&outcomes->items[i]) && !outcomes->items[i].answer.bindable;
    if (outcomes->ports == 1) {
        print_details(view, outcomes, false, out);
    } else if (outcomes->ports > 1) {
        print_lines(view, outcomes, out);
        if (view->width == 0 || taken <= DETAILS_MOST)
            print_details(view, outcomes, true, out);
        print_count(view, outcomes, out);
        if (view->width > 0 && taken > DETAILS_MOST)
            buf_add(out, STR("moorage PORT tells all about one of them\n"));
    }
}
