#include "core/known.h"
#include "core/snapshot.h"
#include "core/why_parts.h"

// Whether a program that only hands connections on has a socket of the port: who really serves it may be on the other side.
static bool
relay_holds(const struct inquiry *inquiry)
{
    const struct host *host = inquiry->host;

    for (size_t i = 0; i < host->holdings.count && inquiry->rows.count > 0; i++) {
        size_t row = 0;
        while (row < inquiry->rows.count && inquiry->rows.items[row].socket != host->holdings.items[i].socket)
            row++;
        if (row == inquiry->rows.count)
            continue;
        const struct process *process = host_process(host, host->holdings.items[i].pid);
        if (process && known_is("relay", process->name))
            return true;
    }
    return false;
}

void
why_read_beyond(struct inquiry *inquiry)
{
    const struct host *host = inquiry->host;
    struct snapshot_ask ask = {0};
    struct err ignored;
    bool inside = host->wsl.len > 0;
    bool refused = inquiry->refusal == REFUSAL_NO_RIGHT || inquiry->refusal == REFUSAL_FORBIDDEN;
    bool unexplained = inquiry->refusal != REFUSAL_NONE && !why_has_role(inquiry, ROW_MAYBE);
    bool shared = inside || str_equal(host->wsl_networking, STR("mirrored"));

    if (refused)
        ask.want |= SNAPSHOT_HTTP;
    if (shared && (refused || unexplained || inquiry->question->all))
        ask.want |= SNAPSHOT_NEIGHBOURS;
    // Inside of WSL a relay leads away from Windows, not to it.
    if (!inside && relay_holds(inquiry))
        ask.want |= SNAPSHOT_NEIGHBOURS;
    if (inquiry->platform->forwards_by_listening && why_has_role(inquiry, ROW_HARMLESS))
        ask.want |= SNAPSHOT_REDIRECTS;
    if (ask.want != 0)
        (void)snapshot_add(inquiry->arena, &ask, inquiry->host, &ignored);
    why_read_http_users(inquiry);
}
