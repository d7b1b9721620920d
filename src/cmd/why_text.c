#include "cmd/why_text.h"

#include "base/ink.h"
#include "base/utf8.h"
#include "cmd/sheet.h"
#include "cmd/why_facts.h"
#include "cmd/words.h"
#include "core/container.h"
#include "core/endpoint.h"
#include "core/http_users.h"
#include "core/platform.h"
#include "sys/user.h"

struct str
why_text_verdict(const struct answer *answer)
{
    static const struct str words[] = {
        [WHY_FREE] = STR_INIT("free"),
        [WHY_TAKEN] = STR_INIT("taken"),
        [WHY_RESERVED] = STR_INIT("reserved"),
        [WHY_NOT_ALLOWED] = STR_INIT("not allowed"),
        [WHY_NOT_LOCAL] = STR_INIT("not of this host"),
        [WHY_UNKNOWN] = STR_INIT("unknown"),
    };

    return words[answer->verdict];
}

// The range of a port tells about its future, not about its present.
static bool
is_about_range(const struct cause *cause)
{
    return cause->kind == CAUSE_DYNAMIC_RANGE || cause->kind == CAUSE_RESERVED;
}

static const struct cause *
remarkable_cause(const struct answer *answer)
{
    for (size_t i = 0; i < answer->causes.count; i++) {
        enum cause_kind kind = answer->causes.items[i].kind;
        if (!is_about_range(&answer->causes.items[i]) && kind != CAUSE_PRIVILEGED && kind != CAUSE_DENIED &&
            kind != CAUSE_ADDRESS)
            return &answer->causes.items[i];
    }
    return NULL;
}

// Below these stand the well-known services, which nobody tries to open in a browser.
static bool
is_useless_to_browsers(const struct answer *answer)
{
    enum {
        FIRST_OF_USERS = 1024,
    };

    return answer->bindable && answer->question.endpoint.first >= FIRST_OF_USERS && why_browsers_refuse(answer);
}

bool
why_text_is_remarkable(const struct answer *answer)
{
    return answer->plain_warning.len > 0 || answer->lease || remarkable_cause(answer) || is_useless_to_browsers(answer);
}

static const struct cause *
main_cause(const struct answer *answer)
{
    return answer->causes.count && answer->causes.items[0].blocks ? &answer->causes.items[0] : NULL;
}

static struct str
http_text(const struct why_view *view, const struct cause *cause)
{
    struct buf out = {.arena = view->arena};

    for (size_t i = 0; i < cause->users.count; i++) {
        struct str name = utf8_display(view->arena, http_user_name(view->arena, &cause->users.items[i]));
        if (cause->users.items[i].url->registered && name.len)
            buf_addf(&out, "%s%.*s", out.len ? ", " : "", STR_ARG(name));
    }
    if (out.len == 0)
        return STR("http.sys, the HTTP server inside Windows");
    buf_add_c(&out, ", through http.sys of Windows");
    return buf_str(&out);
}

// Who has the sockets of this cause, for "is taken by ...".
static struct str
taker(const struct why_view *view, const struct cause *cause)
{
    switch (cause->kind) {
    case CAUSE_CONTAINER:
        if (cause->container)
            return str_printf(view->arena, "container %.*s (%.*s)",
                              STR_ARG(utf8_display(view->arena, container_title(cause->container))),
                              STR_ARG(utf8_display(view->arena, cause->container->runtime)));
        break;
    case CAUSE_SOCKET_UNIT:
        if (cause->service)
            return str_printf(view->arena, "systemd for %.*s",
                              STR_ARG(utf8_display(view->arena, cause->service->name)));
        break;
    case CAUSE_LINGERING:
        return cause->sockets.count == 1 ? STR("a closed connection that lingers")
                                         : STR("closed connections that linger");
    case CAUSE_UNACCEPTED:
        return STR("connections that no program has accepted");
    case CAUSE_KERNEL:
        return platform_of(view->host)->title;
    case CAUSE_HTTP_SYS:
        return http_text(view, cause);
    case CAUSE_PORTPROXY:
        return STR("a netsh portproxy rule");
    case CAUSE_SERVICE:
        // A program that runs many services says nothing of the one.
        if (cause->holders.count && holder_hosts_services(&cause->holders.items[0]))
            return str_printf(view->arena, "the service %.*s, in %.*s",
                              STR_ARG(utf8_display(view->arena, cause->service->name)),
                              STR_ARG(words_holders(view->arena, &cause->holders)));
        break;
    case CAUSE_RELAY:
        if (cause->neighbour)
            return utf8_display(view->arena, why_neighbour_text(view->arena, cause->neighbour));
        break;
    case CAUSE_HIDDEN:
        return STR("something that can't be seen");
    case CAUSE_EXHAUSTED:
        return STR("outgoing connections: no port is left for more");
    default:
        break;
    }
    if (cause->holders.count)
        return words_holders(view->arena, &cause->holders);
    if (!cause->sockets.count)
        return STR("something that can't be named");
    const struct socket_row *socket = &view->host->sockets.items[cause->sockets.items[0]];
    if (!socket->uid_known || view->privacy->share)
        return STR("a program that you may not look into");
    return str_printf(view->arena, "a program of user %.*s",
                      STR_ARG(utf8_display(view->arena, user_name(view->arena, socket->uid))));
}

struct str
why_text_who(const struct why_view *view, const struct answer *answer)
{
    const struct cause *cause = main_cause(answer);

    if (cause && answer->verdict == WHY_TAKEN)
        return taker(view, cause);
    if (answer->plain_warning.len)
        return utf8_display(view->arena, answer->plain_warning);
    // Whose it is here says more than what is the case elsewhere.
    if (!cause && answer->lease)
        return str_printf(view->arena, "kept for %.*s",
                          STR_ARG(words_lease(view->arena, answer->lease, view->privacy)));
    cause = cause ? cause : remarkable_cause(answer);
    if (!cause && is_useless_to_browsers(answer))
        return STR("browsers refuse to open this port");
    return cause ? utf8_display(view->arena, cause->sentence) : (struct str){0};
}

// The device that all these sockets are bound to on every address, NULL if there is none.
static const struct socket_row *
whole_device(const struct host *host, const size_t *sockets, size_t count)
{
    const struct socket_row *first = &host->sockets.items[sockets[0]];

    for (size_t i = 0; i < count; i++) {
        const struct socket_row *row = &host->sockets.items[sockets[i]];
        if (!address_is_any(row->local) || row->device == 0 || row->device != first->device ||
            row->local.family != first->local.family)
            return NULL;
    }
    return first->device_name.len ? first : NULL;
}

// Where the cause serves: "all addresses", "127.0.0.1"; empty if it does not serve at all.
static struct str
place(const struct why_view *view, const struct cause *cause)
{
    size_t *serving = arena_array(view->arena, cause->sockets.count + 1, sizeof *serving);
    size_t count = 0;

    for (size_t i = 0; i < cause->sockets.count; i++) {
        enum socket_state state = view->host->sockets.items[cause->sockets.items[i]].state;
        if (state == SOCKET_LISTEN || state == SOCKET_UNCONN || state == SOCKET_BOUND)
            serving[count++] = cause->sockets.items[i];
    }
    if (count == 0)
        return (struct str){0};
    const struct socket_row *device = whole_device(view->host, serving, count);
    if (device)
        return str_printf(view->arena, "all IPv%u addresses of device %.*s", device->local.family,
                          STR_ARG(utf8_display(view->arena, device->device_name)));
    struct str where = words_addresses(view->arena, view->host, serving, count);
    size_t more = str_find_byte(where, '+');
    if (str_equal(where, STR("local only")))
        return STR("127.0.0.1 and ::1");
    if (str_starts(where, STR("all")))
        return str_printf(view->arena, "%.*s addresses", STR_ARG(where));
    if (more != SIZE_MAX)
        return str_printf(view->arena, "%.*sand %.*s more", STR_ARG(str_part(where, 0, more)),
                          STR_ARG(str_part(where, more + 1, SIZE_MAX)));
    return where;
}

// "127.0.0.1", "localhost on device lo"; empty for every address.
static struct str
asked_place(const struct why_view *view, const struct endpoint *endpoint)
{
    struct buf out = {.arena = view->arena};

    if (endpoint->host == ENDPOINT_LOCALHOST)
        buf_add_c(&out, "localhost");
    if (endpoint->host == ENDPOINT_ADDRESS)
        buf_add(&out, utf8_display(view->arena, endpoint_address(view->arena, endpoint->address)));
    if (endpoint->device.len)
        buf_addf(&out, "%sdevice %.*s", out.len ? " on " : "", STR_ARG(utf8_display(view->arena, endpoint->device)));
    return buf_str(&out);
}

static void
add_taker(const struct why_view *view, const struct cause *cause, struct str asked, struct buf *out)
{
    struct str where = place(view, cause);

    buf_add_c(out, " by ");
    ink_add(out, view->colour, INK_NAME, taker(view, cause));
    if (where.len)
        buf_addf(out, ", on %.*s", STR_ARG(where));
    if (asked.len && !str_equal(asked, where) && !(str_equal(asked, STR("0.0.0.0")) && str_starts(where, STR("all"))))
        buf_addf(out, " (asked for %.*s)", STR_ARG(asked));
}

// "by Windows (8072-8171). No program uses it, so nothing can be stopped. (error 10013)"
static void
add_reserved(const struct why_view *view, const struct answer *answer, const struct port_range *range, struct buf *out)
{
    buf_addf(out, " by %.*s", STR_ARG(platform_of(view->host)->title));
    if (range->first != range->last)
        buf_addf(out, " (%u-%u)", range->first, range->last);
    buf_add_c(out, ". No program uses it, so nothing can be stopped.");
    for (size_t i = 0; i < answer->probes.count; i++)
        if (!answer->probes.items[i].worked) {
            buf_addf(out, " (error %lu)", answer->probes.items[i].code);
            break;
        }
}

// "Port N (TCP) is free", "is taken by ...", "is reserved by ...", "is not allowed ...": always one of these.
static void
print_verdict(const struct why_view *view, const struct answer *answer, struct buf *out)
{
    static const struct {
        enum ink ink;
        struct str text;
    } words[] = {
        [WHY_FREE] = {INK_GOOD, STR_INIT("free")},
        [WHY_TAKEN] = {INK_BAD, STR_INIT("taken")},
        [WHY_RESERVED] = {INK_BAD, STR_INIT("reserved")},
        [WHY_NOT_ALLOWED] = {INK_BAD, STR_INIT("not allowed")},
        [WHY_NOT_LOCAL] = {INK_BAD, STR_INIT("not allowed")},
    };
    const struct why_question *question = &answer->question;
    const struct cause *cause = main_cause(answer);
    struct str sentence = cause ? utf8_display(view->arena, cause->sentence) : (struct str){0};
    struct str asked = asked_place(view, &question->endpoint);

    ink_add(out, view->colour, INK_STRONG,
            str_printf(view->arena, "Port %u (%.*s)", question->endpoint.first,
                       STR_ARG(words_protocol(question->protocol))));
    if (answer->verdict == WHY_UNKNOWN) {
        buf_addf(out, "%s%.*s: whether it is free could not be found out\n", asked.len ? " on " : "", STR_ARG(asked));
        return;
    }
    buf_add_c(out, " is ");
    ink_add(out, view->colour, words[answer->verdict].ink, words[answer->verdict].text);
    if (answer->verdict == WHY_TAKEN && cause)
        add_taker(view, cause, asked, out);
    if (answer->verdict == WHY_RESERVED && cause && cause->range)
        add_reserved(view, answer, cause->range, out);
    // The sentence about an address that is none of this host begins with it.
    if (asked.len && (answer->verdict == WHY_FREE || answer->verdict == WHY_NOT_ALLOWED))
        buf_addf(out, " on %.*s", STR_ARG(asked));
    if (sentence.len && (answer->verdict == WHY_NOT_ALLOWED || answer->verdict == WHY_NOT_LOCAL))
        buf_addf(out, ": %.*s", STR_ARG(sentence));
    buf_add_byte(out, '\n');
}

// A verdict that is longer than a line is folded, at the price of its colours.
static void
add_verdict(const struct why_view *view, const struct answer *answer, struct buf *out)
{
    struct why_view plain = *view;
    struct buf line = {.arena = view->arena};

    plain.colour = false;
    print_verdict(&plain, answer, &line);
    struct str text = str_trim(buf_str(&line));
    if (view->width == 0 || utf8_width(text) <= view->width) {
        print_verdict(view, answer, out);
        return;
    }
    words_fold(out, text, 2, view->width);
    buf_add_byte(out, '\n');
}

// Whether the verdict's line says all that the cause's sentence does.
static bool
is_said(const struct answer *answer, const struct cause *cause)
{
    if (!cause || cause != main_cause(answer))
        return false;
    if (answer->verdict != WHY_TAKEN)
        return answer->verdict != WHY_UNKNOWN;
    return cause->kind == CAUSE_LISTENER && cause->holders.count > 0;
}

static void
add_remedy(const struct why_view *view, const struct remedy *remedy, struct sheet *sheet)
{
    struct str first = remedy->command.len ? remedy->command : remedy->by_hand;

    if (remedy->port)
        first = str_printf(view->arena, "use %u", remedy->port);
    if (remedy->port)
        sheet_add(sheet, STR("do now"), first, (struct str){0});
    else if (first.len)
        sheet_add(sheet, remedy->label, first, remedy->sentence);
    else
        sheet_add(sheet, remedy->label, remedy->sentence, (struct str){0});
    if (remedy->command.len && remedy->by_hand.len)
        sheet_add(sheet, STR("by hand"), remedy->by_hand, (struct str){0});
}

static bool
is_remedy_sentence(const struct cause *cause, struct str note)
{
    for (size_t i = 0; i < cause->remedies.count; i++)
        if (str_equal(cause->remedies.items[i].sentence, note))
            return true;
    return false;
}

static void
add_evidence(const struct why_view *view, const struct answer *answer, const struct cause *cause, struct sheet *sheet)
{
    if (!is_said(answer, cause))
        sheet_add(sheet,
                  !cause->blocks                ? STR("mind")
                  : cause == main_cause(answer) ? STR("because")
                                                : STR("also"),
                  cause->sentence, (struct str){0});
    // The service manager itself is not to blame, and stopping it is no choice: its facts would only mislead.
    if (cause->kind != CAUSE_SOCKET_UNIT || !cause->service)
        why_facts_add(view, cause, sheet);
    sheet_add(sheet, STR("made by"), cause->maker, (struct str){0});
    for (size_t i = 0; i < cause->notes.count; i++)
        if (!is_remedy_sentence(cause, cause->notes.items[i]))
            sheet_add(sheet, STR("note"), cause->notes.items[i], (struct str){0});
}

static void
add_cause(const struct why_view *view, const struct answer *answer, const struct cause *cause, struct sheet *sheet)
{
    add_evidence(view, answer, cause, sheet);
    for (size_t i = 0; i < cause->remedies.count; i++)
        if (cause->remedies.items[i].lever != LEVER_OTHER_PORT || answer->verdict == WHY_RESERVED)
            add_remedy(view, &cause->remedies.items[i], sheet);
}

// Whom the port is kept for is worth a line whether it is taken or free: no other program should begin to use it.
static void
add_lease(const struct why_view *view, const struct answer *answer, struct sheet *sheet)
{
    const struct lease *lease = answer->lease;
    bool released = lease && lease->own && lease->name.len && !view->privacy->share;

    if (lease)
        sheet_add(sheet, STR("kept for"), words_lease(view->arena, lease, view->privacy),
                  released ? str_printf(view->arena, "moorage lease release %u ends that.", lease->port)
                           : (struct str){0});
}

void
why_text_evidence(const struct why_view *view, const struct answer *answer, struct buf *out, struct sheet *sheet)
{
    add_verdict(view, answer, out);
    for (size_t i = 0; i < answer->causes.count; i++)
        if (answer->causes.items[i].blocks)
            add_evidence(view, answer, &answer->causes.items[i], sheet);
}

void
why_text_answer(const struct why_view *view, const struct answer *answer, struct buf *out)
{
    struct sheet sheet = {.arena = view->arena};
    struct buf instead = {.arena = view->arena};

    add_verdict(view, answer, out);
    sheet_add(&sheet, STR("mind"), answer->plain_warning, (struct str){0});
    add_lease(view, answer, &sheet);
    if (is_useless_to_browsers(answer))
        sheet_add(&sheet, STR("mind"),
                  STR("browsers refuse to open this port; choose another one for what they are to show"),
                  (struct str){0});
    if (!answer->proved && answer->bindable)
        sheet_add(&sheet, STR("judged"), STR("by who has ports here; it was not tried"), (struct str){0});
    if (answer->verdict == WHY_NOT_ALLOWED && !answer->proved)
        sheet_add(&sheet, STR("note"), STR("No program has it."), (struct str){0});
    for (size_t i = 0; i < answer->causes.count; i++) {
        const struct cause *cause = &answer->causes.items[i];
        if (answer->bindable || answer->question.all || cause->blocks || !is_about_range(cause))
            add_cause(view, answer, cause, &sheet);
    }
    // Where nothing can be stopped, another port is not the alternative but the way.
    for (size_t i = 0; i < answer->suggest.count && answer->verdict != WHY_RESERVED; i++)
        buf_addf(&instead, "%s%u", i ? ", " : "", answer->suggest.items[i]);
    sheet_add(&sheet, STR("or use"), buf_str(&instead), (struct str){0});
    sheet_print(&sheet, out, view->width, view->colour);
}
