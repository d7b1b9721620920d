#include "cmd/command.h"

#include "base/json.h"
#include "base/utf8.h"
#include "cmd/words.h"
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
    {.name = "no-color", .kind = OPT_FLAG, .help = "the same as --color never", .offset = COMMON(no_colour)},
    {.name = "exit-zero",
     .kind = OPT_FLAG,
     .help = "exit 0 whatever the answer is, for a step of diagnosis",
     .offset = COMMON(exit_zero)},
    {.name = "elevate",
     .kind = OPT_FLAG,
     .help = "run with the rights of an administrator: Windows or sudo asks you first",
     .offset = COMMON(elevate)},
    {.name = "help", .letter = 'h', .kind = OPT_FLAG, .help = "print this help", .offset = COMMON(help)},
    {.name = "version", .letter = 'V', .kind = OPT_FLAG, .help = "print the version", .offset = COMMON(version)},
};

const struct opt_table command_common_options = OPT_TABLE(common_items);

// A character as JSON may always have it (RFC 8259 section 7); above U+FFFF a surrogate pair.
static void
add_escaped(struct buf *out, uint32_t code)
{
    if (code < 0x10000)
        buf_addf(out, "\\u%04x", (unsigned)code);
    else
        buf_addf(out, "\\u%04x\\u%04x", (unsigned)(0xd800 + ((code - 0x10000) >> 10)),
                 (unsigned)(0xdc00 + ((code - 0x10000) & 0x3ff)));
}

struct str
command_json_text(struct arena *arena, const cJSON *document, bool pretty)
{
    struct str text = json_print(arena, document, pretty);
    struct buf out = {.arena = arena};
    size_t done = 0;

    for (size_t at = 0, length; at < text.len; at += length) {
        length = 1;
        // Below U+007F the printer has escaped what needs it; its own line ends are outside of texts.
        if ((unsigned char)text.ptr[at] < 0x7f)
            continue;
        struct str rest = str_part(text, at, text.len);
        uint32_t code = utf8_decode(rest, &length);
        struct str one = str_part(rest, 0, length);
        if (str_equal(utf8_display(arena, one), one))
            continue;
        buf_add(&out, str_part(text, done, at - done));
        add_escaped(&out, code);
        done = at + length;
    }
    if (done == 0)
        return text;
    buf_add(&out, str_part(text, done, text.len));
    return buf_str(&out);
}

void
command_json(struct command_run *run, const cJSON *document)
{
    buf_add(&run->out, command_json_text(run->arena, document, true));
}

void
command_note(const struct command_run *run, struct str sentence)
{
    if (run->common.quiet)
        return;
    struct buf line = {.arena = run->arena};
    words_fold(&line, sentence, 0, run->width);
    buf_add_byte(&line, '\n');
    if (run->notes)
        buf_add(run->notes, buf_str(&line));
    else
        // One write for the whole line: notes of parallel runs on one terminal stay apart.
        (void)term_write_error(buf_str(&line));
}

static struct str
read_services(struct arena *arena)
{
    struct str windows = term_environment("SystemRoot", NULL);
    const char *paths[] = {
        "/etc/services",
        windows.len ? str_c(arena, str_printf(arena, "%.*s\\System32\\drivers\\etc\\services", STR_ARG(windows)))
                    : NULL,
    };
    struct str text = {0};

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct err ignored;
        // A system without the file has moorage's own table, so a failure is no news.
        if (paths[i] && file_read(arena, paths[i], SERVICES_LIMIT, true, &text, &ignored))
            return text;
    }
    return (struct str){0};
}

void
command_services(struct service_table *out)
{
    *out = (struct service_table){.read = read_services};
}
