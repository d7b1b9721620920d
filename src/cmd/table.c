#include "cmd/table.h"

#include "cmd/later.h"

const struct command *const table_commands[] = {
    &command_list, &command_why,  &command_free, &command_pick, &command_lease,  &command_check, &command_range,
    &command_run,  &command_wait, &command_log,  &command_undo, &command_doctor, &command_help,  &command_completion,
};

const size_t table_command_count = sizeof table_commands / sizeof *table_commands;

static bool
has_word(const char *words, struct str word)
{
    struct str rest = str_of(words);
    struct str one;

    while (str_word(&rest, &one))
        if (str_equal(one, word))
            return true;
    return false;
}

const struct command *
table_find(struct str word)
{
    for (size_t i = 0; i < table_command_count; i++)
        if (str_equal(word, str_of(table_commands[i]->name)) || has_word(table_commands[i]->aliases, word))
            return table_commands[i];
    return NULL;
}

// A short word is near many others: only one edit is forgiven there.
static size_t
forgiven(struct str word)
{
    return word.len <= 2 ? 0 : word.len <= 4 ? 1 : 2;
}

const char *
table_near(struct str word)
{
    const char *best = NULL;
    size_t least = forgiven(word) + 1;

    for (size_t i = 0; i < table_command_count + later_count; i++) {
        const char *name =
            i < table_command_count ? table_commands[i]->name : later_items[i - table_command_count].name;
        size_t distance = str_distance(word, str_of(name));
        if (distance < least) {
            least = distance;
            best = name;
        }
    }
    return best;
}
