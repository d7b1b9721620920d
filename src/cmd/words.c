#include "cmd/words.h"

#include <stdlib.h>

#include "base/ascii.h"
#include "base/utf8.h"
#include "core/endpoint.h"
#include "core/platform.h"
#include "core/redact.h"

enum {
    SECOND_MS = 1000,
    MINUTE_MS = 60 * SECOND_MS,
    HOUR_MS = 60 * MINUTE_MS,
    DAY_MS = 24 * HOUR_MS,
    SHOWN_ADDRESSES = 2,
};

struct str
words_count(struct arena *arena, size_t count, const char *one, const char *many)
{
    return str_printf(arena, "%zu %s", count, count == 1 ? one : many);
}

struct str
words_span(struct arena *arena, int64_t ms)
{
    long long span = ms < 0 ? 0 : ms;

    if (span < MINUTE_MS)
        return str_printf(arena, "%lld s", span / SECOND_MS);
    if (span < HOUR_MS)
        return str_printf(arena, "%lld min", span / MINUTE_MS);
    if (span < 2LL * DAY_MS)
        return str_printf(arena, "%lld h", span / HOUR_MS);
    return str_printf(arena, "%lld d", span / DAY_MS);
}

struct str
words_ago(struct arena *arena, int64_t ms)
{
    if (ms < SECOND_MS)
        return STR("just now");
    return str_printf(arena, "%.*s ago", STR_ARG(words_span(arena, ms)));
}

struct str
words_took(struct arena *arena, int64_t ms)
{
    if (ms < SECOND_MS)
        return str_printf(arena, "%lld ms", (long long)(ms < 0 ? 0 : ms));
    if (ms < 10LL * SECOND_MS)
        return str_printf(arena, "%lld.%lld s", (long long)ms / SECOND_MS, (long long)ms % SECOND_MS / 100);
    return words_span(arena, ms);
}

struct str
words_holders(struct arena *arena, const struct holder_list *holders)
{
    if (holders->count == 0)
        return STR("");
    const struct holder *first = &holders->items[0];
    struct str name = utf8_display(arena, holder_name(arena, first));

    // A process that can't be named is its number alone.
    if (holders->count == 1 && str_equal(name, str_printf(arena, "pid %u", first->pid)))
        return name;
    if (holders->count == 1)
        return str_printf(arena, "%.*s (pid %u)", STR_ARG(name), first->pid);
    return str_printf(arena, "%.*s (pid %u and %zu more)", STR_ARG(name), first->pid, holders->count - 1);
}

struct str
words_unseen(struct arena *arena, size_t count)
{
    return count == 0 ? STR("other programs can't be seen from here")
                      : str_printf(arena, "%.*s may not be looked into",
                                   STR_ARG(words_count(arena, count, "program", "programs")));
}

struct str
words_who_sees(struct arena *arena, const struct host *host, struct str again)
{
    return host->admin
               ? STR("moorage doctor tells why")
               : str_printf(arena, "%.*s shows all", STR_ARG(platform_elevate(arena, platform_of(host), again)));
}

struct str
words_protocol(enum protocol protocol)
{
    switch (protocol) {
    case PROTOCOL_UDP:
        return STR("UDP");
    case PROTOCOL_UDPLITE:
        return STR("UDP-Lite");
    case PROTOCOL_TCP:
    case PROTOCOL_MPTCP:
    case PROTOCOL_COUNT:
        break;
    }
    return STR("TCP");
}

static bool
is_plain(char c)
{
    return ascii_is_letter_or_digit(c) || str_find_byte(STR("-_./:=,@%+"), c) != SIZE_MAX;
}

struct str
words_shell(struct arena *arena, struct str word)
{
    struct buf out = {.arena = arena};
    bool plain = word.len > 0;

    for (size_t i = 0; i < word.len; i++)
        plain = plain && is_plain(word.ptr[i]);
    if (plain)
        return word;
    buf_add_byte(&out, '\'');
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] == '\'')
            buf_add_c(&out, "'\\''");
        else
            buf_add_byte(&out, word.ptr[i]);
    }
    buf_add_byte(&out, '\'');
    return utf8_display(arena, buf_str(&out));
}

// As a program of Windows splits its command line: in double quotes, which stand behind a backslash within.
static struct str
shell_of_windows(struct arena *arena, struct str word)
{
    struct buf out = {.arena = arena};
    bool plain = word.len > 0;

    for (size_t i = 0; i < word.len; i++)
        plain = plain && (is_plain(word.ptr[i]) || word.ptr[i] == '\\');
    if (plain)
        return word;
    buf_add_byte(&out, '"');
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] == '"')
            buf_add_byte(&out, '\\');
        buf_add_byte(&out, word.ptr[i]);
    }
    buf_add_byte(&out, '"');
    return utf8_display(arena, buf_str(&out));
}

struct str
words_in_folder(struct arena *arena, const struct host *host, struct str folder, struct str command)
{
    if (!platform_of(host)->double_quotes)
        return str_printf(arena, "cd %.*s && %.*s", STR_ARG(words_shell(arena, folder)), STR_ARG(command));
    // cmd.exe stays on its drive without /d, and a backslash before a quote would be taken for a part of it.
    while (folder.len > 3 && str_ends(folder, STR("\\")))
        folder.len--;
    return str_printf(arena, "cd /d %.*s && %.*s", STR_ARG(shell_of_windows(arena, folder)), STR_ARG(command));
}

// As words_shell, safe to print: what would touch the terminal stands escaped in $'...', which bash and zsh read back.
static struct str
shell_to_print(struct arena *arena, struct str word)
{
    struct buf out = {.arena = arena};

    if (str_equal(utf8_display(arena, word), word))
        return words_shell(arena, word);
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] == '\\' || word.ptr[i] == '\'')
            buf_add_byte(&out, '\\');
        buf_add_byte(&out, word.ptr[i]);
    }
    return str_printf(arena, "$'%.*s'", STR_ARG(utf8_display(arena, buf_str(&out))));
}

struct str
words_command(struct arena *arena, const struct host *host, const struct str_list *command,
              const struct report_privacy *privacy)
{
    const struct platform *platform = platform_of(host);
    struct buf out = {.arena = arena};
    struct str_list shown = privacy->full ? *command : redact_command(arena, command);

    for (size_t i = 0; i < shown.count && (i == 0 || !privacy->share); i++) {
        struct str word = shown.items[i];
        bool masked = !str_equal(word, command->items[i]);
        if (i == 0 && privacy->share)
            word = str_base_name(word);
        if (i > 0)
            buf_add_byte(&out, ' ');
        // What is masked can't be typed again anyway: quotes around its stars would only disturb.
        if (!masked)
            word = platform->double_quotes ? shell_of_windows(arena, word) : shell_to_print(arena, word);
        buf_add(&out, utf8_display(arena, word));
    }
    return buf_str(&out);
}

struct str
words_lease(struct arena *arena, const struct lease *lease, const struct report_privacy *privacy)
{
    struct buf out = {.arena = arena};

    if (lease->damaged)
        buf_add_c(&out, "somebody (what was written down of it is damaged)");
    else if (!lease->name.len)
        buf_add_c(&out, "somebody who picked it a moment ago");
    else
        buf_add(&out, utf8_display(arena, lease->name));
    if (privacy->share)
        return buf_str(&out);
    if (lease->project.len)
        buf_addf(&out, " in %.*s", STR_ARG(words_path(arena, lease->project, privacy)));
    if (!lease->own && lease->user.len)
        buf_addf(&out, ", of user %.*s", STR_ARG(utf8_display(arena, lease->user)));
    return buf_str(&out);
}

struct str
words_path(struct arena *arena, struct str path, const struct report_privacy *privacy)
{
    struct str home = privacy->home;

    if (privacy->share)
        path = redact_path(arena, path, home);
    else if (home.len > 1 && str_starts(path, home) &&
             (path.len == home.len || path.ptr[home.len] == '/' || path.ptr[home.len] == '\\'))
        path = str_printf(arena, "~%.*s", STR_ARG(str_part(path, home.len, path.len)));
    return utf8_display(arena, path);
}

struct str
words_address(struct arena *arena, const struct socket_row *row)
{
    struct str text = utf8_display(arena, endpoint_address(arena, row->local));

    if (!row->device || row->local.scope == row->device)
        return text;
    if (row->device_name.len)
        return str_printf(arena, "%.*s%%%.*s", STR_ARG(text), STR_ARG(utf8_display(arena, row->device_name)));
    return str_printf(arena, "%.*s%%%u", STR_ARG(text), row->device);
}

// What a set of local addresses amounts to.
struct reach {
    bool all_ipv4;
    bool all_ipv6;
    bool local_ipv4; // exactly 127.0.0.1
    bool local_ipv6;
    struct str_list texts;
};

static int
compare_texts(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

// Sorted, so that many equal ones cost little.
static void
keep_once(struct str_list *texts)
{
    size_t kept = 0;

    qsort(texts->items, texts->count, sizeof *texts->items, compare_texts);
    for (size_t i = 0; i < texts->count; i++)
        if (kept == 0 || !str_equal(texts->items[kept - 1], texts->items[i]))
            texts->items[kept++] = texts->items[i];
    texts->count = kept;
}

static void
add_reach(struct arena *arena, struct reach *reach, const struct socket_row *row)
{
    struct str text = words_address(arena, row);
    bool any = address_is_any(row->local) && !row->device;

    *LIST_ADD(arena, &reach->texts) = text;
    if (row->local.family == FAMILY_IPV4) {
        reach->all_ipv4 |= any;
        reach->local_ipv4 |= !row->device && address_equal(row->local, address_loopback(FAMILY_IPV4));
    } else {
        // A dual-stack socket takes IPv4 as well; where it can't be seen, that is what servers usually do.
        reach->all_ipv4 |= any && row->v6only != TRI_YES;
        reach->all_ipv6 |= any;
        reach->local_ipv6 |= !row->device && address_equal(row->local, address_loopback(FAMILY_IPV6));
    }
}

struct str
words_addresses(struct arena *arena, const struct host *host, const size_t *sockets, size_t count)
{
    struct reach reach = {0};
    struct buf out = {.arena = arena};

    for (size_t i = 0; i < count; i++)
        add_reach(arena, &reach, &host->sockets.items[sockets[i]]);
    if (count > 0)
        keep_once(&reach.texts);
    // On a host without IPv6 every address is an IPv4 one.
    if (reach.all_ipv4 && (reach.all_ipv6 || !host->ipv6))
        return STR("all");
    if (reach.all_ipv4 || reach.all_ipv6) {
        if (reach.texts.count == 1)
            return reach.all_ipv4 ? STR("all IPv4") : STR("all IPv6");
    } else if (reach.texts.count == 2 && reach.local_ipv4 && reach.local_ipv6) {
        return STR("local only");
    }
    for (size_t i = 0; i < reach.texts.count && i < SHOWN_ADDRESSES; i++)
        buf_addf(&out, "%s%.*s", i ? ", " : "", STR_ARG(reach.texts.items[i]));
    if (reach.texts.count > SHOWN_ADDRESSES)
        buf_addf(&out, " +%zu", reach.texts.count - SHOWN_ADDRESSES);
    return buf_str(&out);
}

void
words_fold(struct buf *out, struct str text, size_t indent, size_t width)
{
    size_t column = indent;
    struct str word;

    if (width == 0) {
        buf_add(out, text);
        return;
    }
    for (bool first = true; str_cut(&text, ' ', &word); first = false) {
        size_t wide = utf8_width(word);
        if (!first && column + 1 + wide > width) {
            buf_add_byte(out, '\n');
            buf_pad(out, ' ', indent);
            column = indent;
        } else if (!first) {
            buf_add_byte(out, ' ');
            column++;
        }
        buf_add(out, word);
        column += wide;
    }
}
