#include "core/journal.h"

#include "base/json.h"
#include "core/report.h"
#include "sys/clock.h"
#include "sys/process.h"
#include "sys/state_dir.h"

enum {
    RECORD_LIMIT = 16 << 20, // of the end of the record, which is what is asked for
};

static const char *const file_name = "acts.jsonl";
static const char *const schema_name = "moorage.act/1";

static bool
write_line(struct arena *arena, const cJSON *document, struct err *err)
{
    struct str text = str_trim(json_print(arena, document, false));

    return state_dir_append(arena, file_name, text, err) || err_prefix(err, "keep a record");
}

static cJSON *
begin_line(struct arena *arena, struct str id)
{
    json_use(arena);
    cJSON *document = cJSON_CreateObject();
    json_add_str(arena, document, "schema", str_of(schema_name));
    json_add_str(arena, document, "id", id);
    return document;
}

static void
add_undo(struct arena *arena, cJSON *document, const struct journal_undo *undo)
{
    if (!undo->possible && undo->command.len == 0) {
        json_add_null(document, "undo");
        return;
    }
    cJSON *object = json_add_object(document, "undo");
    json_add_bool(object, "possible", undo->possible);
    json_add_str(arena, object, "lever", why_lever_name(undo->lever));
    json_add_str(arena, object, "command", undo->command);
    json_add_str(arena, object, "name", undo->name);
    if (undo->manager.len > 0) {
        json_add_str(arena, object, "manager", undo->manager);
        json_add_int(object, "uid", undo->uid);
    }
    if (undo->lever == LEVER_SUPERVISOR)
        json_add_str(arena, object, "api", undo->api);
    if (undo->id.len > 0) {
        json_add_str(arena, object, "id", undo->id);
        json_add_str(arena, object, "api", undo->api);
        json_add_str(arena, object, "runtime", undo->runtime);
    }
    if (undo->lever == LEVER_SETTING) {
        json_add_str(arena, object, "before", undo->before);
        json_add_str(arena, object, "after", undo->after);
    }
}

static void
add_who(struct arena *arena, cJSON *document, const struct journal_act *act)
{
    cJSON *who = json_add_object(document, "who");

    json_add_int(who, "uid", act->uid);
    json_add_str(arena, who, "user", act->user);
    if (act->invoker.len > 0)
        json_add_str(arena, who, "for", act->invoker);
    json_add_str(arena, document, "line", act->line);
}

bool
journal_begin(struct arena *arena, struct journal_act *act, struct err *err)
{
    static unsigned count;

    act->time_ms = clock_wall_ms();
    act->result = STR("running");
    act->id = str_printf(arena, "%llx-%x-%x", (unsigned long long)act->time_ms, process_self(), ++count);
    cJSON *document = begin_line(arena, act->id);
    json_add_int(document, "time_ms", act->time_ms);
    json_add_str(arena, document, "time", report_time(arena, act->time_ms));
    add_who(arena, document, act);
    cJSON *what = json_add_object(document, "what");
    json_add_str(arena, what, "lever", why_lever_name(act->lever));
    json_add_str(arena, what, "sentence", act->sentence);
    cJSON *processes = json_add_array(what, "processes");
    for (size_t i = 0; i < act->processes.count; i++) {
        cJSON *process = json_append_object(processes);
        json_add_int(process, "pid", act->processes.items[i].pid);
        json_add_str(arena, process, "name", act->processes.items[i].name);
    }
    cJSON *why = json_add_object(document, "why");
    json_add_int(why, "port", act->port);
    json_add_str(arena, why, "protocol", host_protocol_name(act->protocol));
    json_add_str(arena, why, "sentence", act->why);
    json_add_str(arena, document, "result", act->result);
    add_undo(arena, document, &act->undo);
    if (act->together.len > 0)
        json_add_str(arena, document, "together", act->together);
    if (act->undoes.len > 0)
        json_add_str(arena, document, "undoes", act->undoes);
    return write_line(arena, document, err);
}

bool
journal_end(struct arena *arena, const struct journal_act *act, struct err *err)
{
    cJSON *document = begin_line(arena, act->id);

    json_add_str(arena, document, "result", act->result);
    json_add_int(document, "took_ms", act->took_ms);
    if (act->hard)
        json_add_bool(document, "hard", true);
    if (act->error.len > 0)
        json_add_str(arena, document, "error", act->error);
    return write_line(arena, document, err);
}

static struct journal_act *
find(const struct journal *journal, struct str id)
{
    for (size_t i = journal->count; i > 0; i--)
        if (str_equal(journal->items[i - 1].id, id))
            return &journal->items[i - 1];
    return NULL;
}

static bool
lever_of(struct str name, enum lever *out)
{
    for (enum lever lever = LEVER_WAIT; lever < LEVER_COUNT; lever++)
        if (str_equal(why_lever_name(lever), name)) {
            *out = lever;
            return true;
        }
    return false;
}

static void
read_undo(struct arena *arena, const cJSON *object, struct journal_undo *undo)
{
    struct str lever = {0};
    uint64_t uid = 0;

    json_get_bool(object, "possible", &undo->possible);
    json_get_str(arena, object, "lever", &lever);
    json_get_str(arena, object, "command", &undo->command);
    json_get_str(arena, object, "name", &undo->name);
    json_get_str(arena, object, "manager", &undo->manager);
    json_get_str(arena, object, "id", &undo->id);
    json_get_str(arena, object, "api", &undo->api);
    json_get_str(arena, object, "runtime", &undo->runtime);
    json_get_str(arena, object, "before", &undo->before);
    json_get_str(arena, object, "after", &undo->after);
    json_get_u64(object, "uid", &uid);
    undo->uid = (uint32_t)uid;
    undo->possible = undo->possible && lever_of(lever, &undo->lever) && undo->name.len > 0;
}

static void
read_processes(struct arena *arena, const cJSON *array, struct journal_act *act)
{
    const cJSON *item = NULL;

    cJSON_ArrayForEach(item, array)
    {
        struct journal_process *process = LIST_ADD(arena, &act->processes);
        uint64_t pid = 0;
        json_get_u64(item, "pid", &pid);
        json_get_str(arena, item, "name", &process->name);
        process->pid = (uint32_t)pid;
    }
}

// What stands in both lines of an act, and what only the first one has.
static bool
read_act(struct arena *arena, const cJSON *document, struct journal *journal)
{
    struct str schema = {0};
    struct str id = {0};
    struct str lever = {0};
    struct str protocol = {0};
    uint64_t number = 0;
    const cJSON *what = json_get_object(document, "what");

    if (!json_get_str(arena, document, "schema", &schema) || !str_equal(schema, str_of(schema_name)) ||
        !json_get_str(arena, document, "id", &id))
        return false;
    struct journal_act *act = find(journal, id);
    if (!act && !what)
        return false;
    if (!act)
        act = LIST_ADD(arena, journal);
    act->id = id;
    json_get_str(arena, document, "result", &act->result);
    json_get_str(arena, document, "error", &act->error);
    json_get_int(document, "took_ms", &act->took_ms);
    json_get_bool(document, "hard", &act->hard);
    if (!what)
        return true;
    const cJSON *who = json_get_object(document, "who");
    const cJSON *why = json_get_object(document, "why");
    json_get_int(document, "time_ms", &act->time_ms);
    json_get_str(arena, document, "line", &act->line);
    json_get_str(arena, document, "together", &act->together);
    json_get_str(arena, document, "undoes", &act->undoes);
    json_get_str(arena, who, "user", &act->user);
    json_get_str(arena, who, "for", &act->invoker);
    if (json_get_u64(who, "uid", &number))
        act->uid = (uint32_t)number;
    json_get_str(arena, what, "sentence", &act->sentence);
    if (json_get_str(arena, what, "lever", &lever))
        (void)lever_of(lever, &act->lever);
    read_processes(arena, json_get_array(what, "processes"), act);
    json_get_str(arena, why, "sentence", &act->why);
    if (json_get_u64(why, "port", &number))
        act->port = (uint16_t)number;
    if (json_get_str(arena, why, "protocol", &protocol))
        (void)host_protocol_parse(protocol, &act->protocol);
    read_undo(arena, json_get_object(document, "undo"), &act->undo);
    return true;
}

bool
journal_read(struct arena *arena, struct journal *out, size_t *skipped, struct err *err)
{
    struct str text;
    struct str line;
    struct err why = {0};
    size_t bad = 0;

    *out = (struct journal){0};
    json_use(arena);
    if (!state_dir_read(arena, file_name, RECORD_LIMIT, &text, &why) && why.kind != ERR_GONE) {
        if (err)
            *err = why;
        return err_prefix(err, "read the record");
    }
    while (why.kind == ERR_NONE && text.len > 0 && str_cut(&text, '\n', &line)) {
        const cJSON *document = str_trim(line).len > 0 ? json_parse(arena, line, NULL) : NULL;
        bad += str_trim(line).len > 0 && !(cJSON_IsObject(document) && read_act(arena, document, out));
    }
    if (skipped)
        *skipped = bad;
    for (size_t i = 0; i < out->count; i++) {
        struct journal_act *act = out->items[i].undoes.len > 0 ? find(out, out->items[i].undoes) : NULL;
        if (act && (str_equal(out->items[i].result, STR("done")) || str_equal(out->items[i].result, STR("needless"))))
            act->undone = true;
    }
    return true;
}

bool
journal_can_undo(const struct journal_act *act)
{
    bool happened = !str_equal(act->result, STR("failed")) && !str_equal(act->result, STR("needless"));

    return act->undo.possible && !act->undone && act->undoes.len == 0 && happened;
}

const struct journal_act *
journal_last_undoable(const struct journal *journal)
{
    for (size_t i = journal->count; i > 0; i--) {
        const struct journal_act *act = &journal->items[i - 1];
        if (journal_can_undo(act))
            return act;
    }
    return NULL;
}

void
journal_with(struct arena *arena, const struct journal *journal, const struct journal_act *last,
             struct journal_acts *out)
{
    struct str first = last->together.len > 0 ? last->together : last->id;

    *out = (struct journal_acts){0};
    *LIST_ADD(arena, out) = last;
    for (size_t i = (size_t)(last - journal->items); i > 0 && last->undo.lever == LEVER_SETTING; i--) {
        const struct journal_act *act = &journal->items[i - 1];
        bool same = str_equal(act->id, first) || str_equal(act->together, first);
        if (same && act->undo.lever == LEVER_SETTING && journal_can_undo(act))
            *LIST_ADD(arena, out) = act;
    }
}
