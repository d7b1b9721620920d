#include "decode/console.h"

#include "base/buf.h"

static const struct str kind_names[] = {
    [CONSOLE_PRESSED] = STR_INIT("pressed"),
    [CONSOLE_OTHERS] = STR_INIT("others"),
    [CONSOLE_NONE] = STR_INIT("none"),
    [CONSOLE_FAILED] = STR_INIT("failed"),
};

enum {
    KINDS = sizeof kind_names / sizeof *kind_names,
};

static bool
has_code(enum console_kind kind)
{
    return kind == CONSOLE_NONE || kind == CONSOLE_FAILED;
}

static bool
parse_number(struct str word, uint32_t *out)
{
    uint64_t number;

    if (!str_to_u64(word, 10, &number) || number > UINT32_MAX)
        return false;
    *out = (uint32_t)number;
    return true;
}

bool
console_pids_parse(struct arena *arena, struct str words, struct console_pids *out)
{
    struct str word;
    uint32_t pid;

    while (str_word(&words, &word)) {
        if (!parse_number(word, &pid) || pid == 0)
            return false;
        *LIST_ADD(arena, out) = pid;
    }
    return true;
}

bool
console_answer_parse(struct arena *arena, struct str line, struct console_answer *out)
{
    struct str word = {0};
    size_t kind = 0;

    *out = (struct console_answer){0};
    if (!str_word(&line, &word))
        return false;
    while (kind < KINDS && !str_equal(kind_names[kind], word))
        kind++;
    if (kind == KINDS)
        return false;
    out->kind = (enum console_kind)kind;
    if (!has_code(out->kind))
        return console_pids_parse(arena, line, &out->pids);
    return str_word(&line, &word) && parse_number(word, &out->code) && !str_word(&line, &word);
}

struct str
console_answer_format(struct arena *arena, const struct console_answer *answer)
{
    struct buf line = {.arena = arena};

    buf_addf(&line, "%.*s", STR_ARG(kind_names[answer->kind]));
    if (has_code(answer->kind))
        buf_addf(&line, " %u", answer->code);
    else
        for (size_t i = 0; i < answer->pids.count; i++)
            buf_addf(&line, " %u", answer->pids.items[i]);
    return buf_str(&line);
}

bool
console_has(const struct console_pids *list, uint32_t pid)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i] == pid)
            return true;
    return false;
}

void
console_bystanders(struct arena *arena, const struct console_pids *present, const struct console_pids *meant,
                   uint32_t helper, struct console_pids *out)
{
    for (size_t i = 0; i < present->count; i++) {
        uint32_t pid = present->items[i];
        if (pid != 0 && pid != helper && !console_has(meant, pid) && !console_has(out, pid))
            *LIST_ADD(arena, out) = pid;
    }
}
