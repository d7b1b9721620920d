#include "cmd/command.h"

#include "base/json.h"
#include "sys/file.h"
#include "sys/term.h"

enum {
    SERVICES_LIMIT = 4 << 20,
};

#define COMMON(member) offsetof(struct command_common, member)

static const struct opt common_items[] = {
    {.name = "json", .letter = 'j', .kind = OPT_FLAG, .help = "print one JSON document", .offset = COMMON(json)},
    {.name = "quiet",
     .letter = 'q',
     .kind = OPT_FLAG,
     .help = "print no answer: the exit code is the answer",
     .offset = COMMON(quiet)},
    {.name = "full", .kind = OPT_FLAG, .help = "mask nothing that looks like a secret", .offset = COMMON(full)},
    {.name = "share",
     .kind = OPT_FLAG,
     .help = "leave out users, homes and arguments, to paste the answer into an issue",
     .offset = COMMON(share)},
    {.name = "color",
     .kind = OPT_CHOICE,
     .value = "WHEN",
     .choices = "auto|always|never",
     .help = "when to use colour (NO_COLOR is honoured)",
     .offset = COMMON(colour)},
    {.name = "exit-zero",
     .kind = OPT_FLAG,
     .help = "exit 0 whatever the answer is, for a step of diagnosis",
     .offset = COMMON(exit_zero)},
    {.name = "help", .letter = 'h', .kind = OPT_FLAG, .help = "print this help", .offset = COMMON(help)},
    {.name = "version", .letter = 'V', .kind = OPT_FLAG, .help = "print the version", .offset = COMMON(version)},
};

const struct opt_table command_common_options = OPT_TABLE(common_items);

void
command_json(struct command_run *run, const cJSON *document)
{
    buf_add(&run->out, json_print(run->arena, document, true));
}

void
command_note(const struct command_run *run, struct str sentence)
{
    if (run->common.quiet)
        return;
    // One write for the whole line: notes of parallel runs on one terminal stay apart.
    (void)term_write_error(str_printf(run->arena, "%.*s\n", STR_ARG(sentence)));
}

void
command_services(struct arena *arena, struct service_table *out)
{
    struct str windows = term_environment("SystemRoot", NULL);
    const char *paths[] = {
        "/etc/services",
        windows.len ? str_c(arena, str_printf(arena, "%.*s\\System32\\drivers\\etc\\services", STR_ARG(windows)))
                    : NULL,
    };

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct str text;
        struct err ignored;
        // A system without the file has moorage's own table, so a failure is no news.
        if (paths[i] && file_read(arena, paths[i], SERVICES_LIMIT, true, &text, &ignored)) {
            services_parse(arena, text, out);
            return;
        }
    }
}
