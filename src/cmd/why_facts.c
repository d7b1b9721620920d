#include "cmd/why_facts.h"

#include "base/utf8.h"
#include "cmd/words.h"
#include "core/container.h"
#include "core/redact.h"

enum {
    SHOWN_ANCESTORS = 5,
    SHOWN_HOLDERS = 5,
};

static struct str
folder(const struct why_view *view, const struct process *process)
{
    struct buf out = {.arena = view->arena};

    // Services run in the root folder: that says nothing.
    if (process->cwd.known != KNOWN_YES || process->cwd.value.len <= 1)
        return (struct str){0};
    buf_addf(&out, "in %.*s", STR_ARG(words_path(view->arena, process->cwd.value, view->privacy)));
    if (process->git_branch.value.len && !view->privacy->share)
        buf_addf(&out, " (git: %.*s)", STR_ARG(utf8_display(view->arena, process->git_branch.value)));
    return buf_str(&out);
}

// ", has the port for 5 min": where the system tells when a socket was bound, and that was later than the program's start.
static struct str
bound_later(const struct why_view *view, const struct cause *cause, const struct process *process)
{
    enum {
        LATER_MS = 60000,
    };
    const struct socket_row *socket = cause->sockets.count ? &view->host->sockets.items[cause->sockets.items[0]] : NULL;

    if (!socket || socket->created_ms == 0 || !process->started_known ||
        socket->created_ms < process->started_ms + LATER_MS || cause->behind.count)
        return (struct str){0};
    return str_printf(view->arena, ", has the port for %.*s",
                      STR_ARG(words_span(view->arena, view->host->time_ms - socket->created_ms)));
}

// "2 h ago by ann, from nodemon (41230) < npm < bash < code"
static struct str
origin(const struct why_view *view, const struct cause *cause, const struct holder *holder)
{
    const struct process *process = holder->process;
    struct buf out = {.arena = view->arena};

    if (process->started_known)
        buf_add(&out, words_ago(view->arena, view->host->time_ms - process->started_ms));
    if (process->user.value.len && !view->privacy->share)
        buf_addf(&out, "%sby %.*s", out.len ? " " : "", STR_ARG(process->user.value));
    for (size_t i = 0; i < holder->ancestry.count && i < SHOWN_ANCESTORS; i++) {
        const struct process *parent = holder->ancestry.items[i];
        struct holder as_holder = {.pid = parent->pid, .process = parent};
        struct str name = holder_name(view->arena, &as_holder);
        if (i == 0)
            buf_addf(&out, "%sfrom %.*s (%u)", out.len ? ", " : "", STR_ARG(name), parent->pid);
        else
            buf_addf(&out, " < %.*s", STR_ARG(name));
    }
    if (holder->ancestry.count == 0 && holder->started_by.len)
        buf_addf(&out, "%sfrom %.*s", out.len ? ", " : "", STR_ARG(holder->started_by));
    buf_add(&out, bound_later(view, cause, process));
    return buf_str(&out);
}

static struct str
service_text(const struct why_view *view, const struct holder *holder)
{
    const struct service *service = holder->service;

    if (!holder->unit.len || str_starts(holder->unit, STR("session-")))
        return (struct str){0};
    if (service && service->description.len)
        return str_printf(view->arena, "%.*s (%.*s)", STR_ARG(holder->unit), STR_ARG(service->description));
    return holder->unit;
}

static struct str
container_text(const struct why_view *view, const struct holder *holder)
{
    const struct container *container = holder->forwards ? holder->forwards : holder->container;
    struct buf out = {.arena = view->arena};

    if (!container) {
        if (holder->container_id.len)
            buf_addf(&out, "%.*s %.*s", STR_ARG(holder->runtime), STR_ARG(str_part(holder->container_id, 0, 12)));
        return buf_str(&out);
    }
    buf_addf(&out, "%.*s (%.*s)", STR_ARG(utf8_display(view->arena, container_title(container))),
             STR_ARG(container->runtime));
    if (container->image.len)
        buf_addf(&out, ", image %.*s", STR_ARG(container->image));
    if (container->compose_project.len)
        buf_addf(&out, ", service %.*s of compose project %.*s", STR_ARG(container->compose_service),
                 STR_ARG(container->compose_project));
    return buf_str(&out);
}

static struct str
other_holders(const struct why_view *view, const struct cause *cause)
{
    struct buf out = {.arena = view->arena};
    size_t last = cause->holders.count < SHOWN_HOLDERS + 1 ? cause->holders.count : SHOWN_HOLDERS + 1;

    for (size_t i = 1; i < last; i++) {
        const struct holder *holder = &cause->holders.items[i];
        buf_addf(&out, "%s%.*s (%u)", i > 1 ? ", " : "", STR_ARG(holder_name(view->arena, holder)), holder->pid);
    }
    if (cause->holders.count > last)
        buf_addf(&out, " and %zu more", cause->holders.count - last);
    return buf_str(&out);
}

// "Node.js (OpenJS Foundation), signed by OpenJS Foundation": whose program it is. What belongs to the system has its name
// for that.
static struct str
product(const struct why_view *view, const struct process *process)
{
    static const struct str system = STR_INIT("Microsoft Windows");
    struct buf out = {.arena = view->arena};

    if (!process || str_equal(process->signer.value, system))
        return (struct str){0};
    buf_add(&out, process->product.value);
    if (process->company.value.len && !str_equal(process->company.value, process->product.value))
        buf_addf(&out, "%s%.*s%s", out.len ? " (" : "", STR_ARG(process->company.value), out.len ? ")" : "");
    if (process->signature == SIGNATURE_GOOD && process->signer.value.len)
        buf_addf(&out, "%ssigned by %.*s", out.len ? ", " : "", STR_ARG(process->signer.value));
    return buf_str(&out);
}

static struct str
neighbour_command(const struct why_view *view, const struct neighbour_port *port)
{
    if (!port->command.len || view->privacy->share)
        return port->name;
    return view->privacy->full ? port->command : redact_line(view->arena, port->command);
}

// Of what listens by way of the system the program behind it is shown: of the system itself there is nothing to tell.
static const struct holder *
shown_holder(const struct cause *cause)
{
    if (cause->behind.count)
        return &cause->behind.items[0];
    return cause->holders.count && cause->holders.items[0].pid != HOST_SYSTEM_PID ? &cause->holders.items[0] : NULL;
}

void
why_facts_add(const struct why_view *view, const struct cause *cause, struct sheet *sheet)
{
    const struct holder *holder = shown_holder(cause);
    const struct process *process = holder ? holder->process : NULL;

    if (cause->neighbour)
        sheet_add(sheet, STR("command"), neighbour_command(view, cause->neighbour),
                  str_printf(view->arena, "(%.*s)", STR_ARG(cause->neighbour->system)));
    // A relay is not what one looks for.
    if (!holder || cause->neighbour)
        return;
    if (process && process->command.count)
        sheet_add(sheet, STR("command"), words_command(view->arena, view->host, &process->command, view->privacy),
                  folder(view, process));
    else if (process && process->exe.value.len)
        sheet_add(sheet, STR("program"), words_path(view->arena, process->exe.value, view->privacy),
                  folder(view, process));
    sheet_add(sheet, STR("product"), product(view, process), (struct str){0});
    if (process)
        sheet_add(sheet, STR("started"), origin(view, cause, holder), (struct str){0});
    sheet_add(sheet, STR("service"), service_text(view, holder), (struct str){0});
    sheet_add(sheet, STR("container"), container_text(view, holder), (struct str){0});
    sheet_add(sheet, STR("with"), other_holders(view, cause), (struct str){0});
}
