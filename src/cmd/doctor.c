#include "cmd/command.h"

#include "base/ink.h"
#include "base/json.h"
#include "base/utf8.h"
#include "cmd/sheet.h"
#include "cmd/table.h"
#include "cmd/words.h"
#include "core/snapshot.h"
#include "decode/snapshot.h"
#include "sys/file.h"
#include "sys/os.h"
#include "sys/user.h"

struct doctor_options {
    struct str record;
};

static const struct opt doctor_items[] = {
    {.name = "record",
     .kind = OPT_TEXT,
     .value = "FILE",
     .help = "write all that can be seen here to FILE, to attach to a report; - is standard output",
     .offset = offsetof(struct doctor_options, record)},
};

// What was written by --record.
struct recording {
    struct str file;
    struct host host;
    size_t bytes;
};

// The model's words for what can be seen, and people's words.
static struct str
people_name(struct str name)
{
    static const struct {
        struct str name;
        struct str people;
    } names[] = {
        {STR_INIT("sockets"), STR_INIT("ports")}, {STR_INIT("holders"), STR_INIT("programs")},
        {STR_INIT("probe"), STR_INIT("trying")},  {STR_INIT("events"), STR_INIT("new servers")},
        {STR_INIT("neighbour"), STR_INIT("WSL")}, {STR_INIT("http"), STR_INIT("http.sys")},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_equal(name, names[i].name))
            return names[i].people;
    return name;
}

static bool
record(struct command_run *run, const struct doctor_options *options, struct recording *out, struct err *err)
{
    out->file = options->record;
    if (!snapshot_read_all(run->arena, &out->host, err))
        return false;
    struct str text = snapshot_write(run->arena, &out->host, !run->common.full);
    out->bytes = text.len;
    return file_write(run->arena, out->file, text, err);
}

static void
say_recorded(struct command_run *run, const struct recording *recording)
{
    struct arena *arena = run->arena;
    struct str hidden = run->common.full
                            ? STR("nothing is hidden in it, so look through it before you pass it on")
                            : STR("arguments of programs and names of users are hidden in it (--full keeps them)");
    struct str sockets = words_count(arena, recording->host.sockets.count, "socket", "sockets");
    struct str processes = words_count(arena, recording->host.processes.count, "program", "programs");
    struct str file =
        str_equal(recording->file, STR("-")) ? STR("standard output") : utf8_display(arena, recording->file);

    command_note(run, str_printf(arena, "wrote %zu bytes with %.*s and %.*s to %.*s; %.*s", recording->bytes,
                                 STR_ARG(sockets), STR_ARG(processes), STR_ARG(file), STR_ARG(hidden)));
}

static void
print_json(struct command_run *run, const struct host *host, const struct recording *recording)
{
    struct arena *arena = run->arena;
    cJSON *document = report_begin(arena, "moorage.doctor/1", host, &run->privacy);

    json_add_str(arena, document, "version", STR(MOORAGE_VERSION));
    json_add_str(arena, document, "platform", host->platform);
    json_add_str(arena, document, "system", host->system);
    if (run->privacy.share)
        json_add_null(document, "user");
    else
        json_add_str(arena, document, "user", user_name(arena, host->uid));
    json_add_bool(document, "admin", host->admin);
    cJSON *abilities = json_add_array(document, "abilities");
    for (size_t i = 0; i < host->abilities.count; i++) {
        const struct ability *ability = &host->abilities.items[i];
        cJSON *object = json_append_object(abilities);
        json_add_str(arena, object, "name", ability->name);
        json_add_bool(object, "good", ability->good);
        json_add_str(arena, object, "detail", ability->detail);
        json_add_str_or_null(arena, object, "fix", ability->fix);
    }
    if (recording) {
        cJSON *object = json_add_object(document, "recorded");
        json_add_str(arena, object, "file", recording->file);
        json_add_u64(arena, object, "bytes", recording->bytes);
        json_add_bool(object, "redacted", !run->common.full);
    } else {
        json_add_null(document, "recorded");
    }
    command_json(run, document);
}

static void
print_text(struct command_run *run, const struct host *host)
{
    struct arena *arena = run->arena;
    struct sheet sheet = {.arena = arena};
    size_t limited = 0;
    struct buf head = {.arena = arena};

    buf_addf(&head, "moorage %s on %.*s", MOORAGE_VERSION, STR_ARG(utf8_display(arena, host->system)));
    if (!run->privacy.share)
        buf_addf(&head, ", as %.*s%s", STR_ARG(utf8_display(arena, user_name(arena, host->uid))),
                 host->admin ? " (may see everything that this place allows)" : "");
    ink_add(&run->out, run->colour, INK_STRONG, buf_str(&head));
    buf_add_byte(&run->out, '\n');
    for (size_t i = 0; i < host->abilities.count; i++) {
        const struct ability *ability = &host->abilities.items[i];
        sheet_add(&sheet, people_name(ability->name), ability->good ? STR("yes") : STR("limited"), ability->detail);
        sheet.items[sheet.count - 1].ink = ability->good ? INK_GOOD : INK_WARN;
        if (!ability->good && ability->fix.len)
            sheet_add(&sheet, STR(""), STR("try"), ability->fix);
        limited += !ability->good;
    }
    sheet_print(&sheet, &run->out, run->width, run->colour);
    struct str things = words_count(arena, limited, "thing is", "things are");
    words_fold(&run->out,
               limited ? str_printf(arena, "%.*s limited here; answers say what they could not see", STR_ARG(things))
                       : STR("Everything that moorage looks at can be seen here."),
               0, run->width);
    buf_add_byte(&run->out, '\n');
}

static int
doctor_run(struct command_run *run, struct err *err)
{
    const struct doctor_options *options = run->options;
    struct recording recording = {0};
    struct host host = {0};

    if (run->operands.count) {
        err_set(err, ERR_USAGE, 0, "doctor takes no '%.*s': it tells about this host as a whole",
                STR_ARG(utf8_display(run->arena, str_part(run->operands.items[0], 0, 40))));
        return EXIT_USAGE;
    }
    if (options->record.ptr && !options->record.len) {
        err_set(err, ERR_USAGE, 0, "--record needs the name of a file");
        return EXIT_USAGE;
    }
    if (options->record.ptr && !record(run, options, &recording, err))
        return EXIT_UNKNOWN;
    if (options->record.ptr)
        say_recorded(run, &recording);
    // The recording has standard output for itself.
    if (str_equal(options->record, STR("-")))
        return EXIT_GOOD;
    os_identify(run->arena, &host);
    os_read_abilities(run->arena, &host);
    if (run->common.json)
        print_json(run, &host, options->record.ptr ? &recording : NULL);
    else
        print_text(run, &host);
    return EXIT_GOOD;
}

const struct command command_doctor = {
    .name = "doctor",
    .usage = "[OPTION]...",
    .summary = "what moorage can and can't see here, and why",
    .about =
        "Tells what can be seen on this host as moorage runs now, what can't, and what would help. With --record it "
        "also writes all of it to a file that can be attached to a report: arguments of programs and names of users "
        "are hidden there unless --full is given. The exit code is 0 when it could find that out, limited or not.",
    .examples = "moorage doctor\twhat can be seen here\n"
                "sudo moorage doctor\tand what as root\n"
                "moorage doctor --record host.json\ta recording for a report\n",
    .options = OPT_TABLE(doctor_items),
    .options_size = sizeof(struct doctor_options),
    .run = doctor_run,
};
