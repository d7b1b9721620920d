#include "base/buf.h"
#include "core/holder.h"
#include "core/why_parts.h"
#include "sys/process.h"
#include "sys/user.h"

// Whether more rights would have shown more.
static bool
lacks_right(const struct answer *answer)
{
    for (size_t i = 0; i < answer->unseen.count; i++)
        if (answer->unseen.items[i].reason == KNOWN_NOT_ALLOWED)
            return true;
    return false;
}

struct str
why_unseen_who(struct inquiry *inquiry, const struct cause *cause)
{
    const struct socket_row *socket = &inquiry->host->sockets.items[cause->sockets.items[0]];
    const struct group *group;
    struct holder unseen;

    if (holder_unseen(inquiry->arena, inquiry->host, cause->sockets.items[0], &unseen, &group)) {
        if (unseen.container)
            return str_printf(inquiry->arena, "a program of container %.*s", STR_ARG(unseen.container->name));
        if (unseen.container_id.len > 0)
            return str_printf(inquiry->arena, "a program of %.*s container %.*s", STR_ARG(unseen.runtime),
                              STR_ARG(str_part(unseen.container_id, 0, 12)));
        if (unseen.unit.len > 0)
            return str_printf(inquiry->arena, "a program of %.*s", STR_ARG(unseen.unit));
    }
    const char *why = lacks_right(inquiry->answer) ? "you may not look into" : "can't be named";
    if (!socket->uid_known || inquiry->question->share)
        return str_printf(inquiry->arena, "a program that %s", why);
    return str_printf(inquiry->arena, "a program of user %.*s that %s", STR_ARG(user_name(inquiry->arena, socket->uid)),
                      why);
}

static bool
is_unseen(const struct answer *answer, uint32_t pid)
{
    for (size_t i = 0; i < answer->unseen.count; i++)
        if (answer->unseen.items[i].pid == pid)
            return true;
    return false;
}

// The kernel knows of a holder that nothing shows.
static bool
is_hidden(const struct unseen *unseen)
{
    return unseen->pid == 0 && str_equal(unseen->what, STR(UNSEEN_HIDDEN));
}

// Whether some programs are not even listed.
static bool
is_list_cut(const struct answer *answer)
{
    for (size_t i = 0; i < answer->unseen.count; i++)
        if (answer->unseen.items[i].pid == 0 && !is_hidden(&answer->unseen.items[i]))
            return true;
    return false;
}

// Whether the kernel was asked, and nothing but programs that have no number here is left.
static bool
is_outside(const struct answer *answer)
{
    for (size_t i = 0; i < answer->unseen.count; i++)
        if (!str_equal(answer->unseen.items[i].what, STR(UNSEEN_OUTSIDE)))
            return false;
    return answer->tier == TIER_BPF && answer->unseen.count > 0;
}

// The few programs that live where the socket was made: their names may be read even where their files may not. Those
// that were looked into don't have it, and where some are not listed at all (0), it may be one of these.
static void
note_candidates(struct inquiry *inquiry, struct cause *cause)
{
    enum {
        CANDIDATES_MOST = 8,
    };
    struct buf out = {.arena = inquiry->arena};
    const struct group *group;
    struct holder unseen;

    if (cause->holders.count > 0 || cause->kind == CAUSE_KERNEL ||
        !holder_unseen(inquiry->arena, inquiry->host, cause->sockets.items[0], &unseen, &group) || !group ||
        group->pids.count == 0 || group->pids.count > CANDIDATES_MOST || is_list_cut(inquiry->answer))
        return;
    for (size_t i = 0; i < group->pids.count; i++) {
        struct process process;
        if (!is_unseen(inquiry->answer, group->pids.items[i]))
            continue;
        process_read(inquiry->arena, group->pids.items[i], PROCESS_BASIC, &process);
        if (process.known == KNOWN_YES)
            buf_addf(&out, "%s%.*s (pid %u)", out.len ? ", " : "", STR_ARG(process.name), process.pid);
    }
    if (out.len > 0)
        why_note(inquiry, cause,
                 str_printf(inquiry->arena, "By the group that the socket was made in, it is one of: %.*s.",
                            STR_ARG(buf_str(&out))));
}

static bool
is_holder(const struct cause *cause, uint32_t pid)
{
    for (size_t i = 0; i < cause->holders.count; i++)
        if (cause->holders.items[i].pid == pid)
            return true;
    return false;
}

// Who else may have it in this way, which could not be looked into.
static void
note_rare_candidates(struct inquiry *inquiry, struct cause *cause, struct str what, const char *where)
{
    enum {
        CANDIDATES_MOST = 8,
    };
    struct buf out = {.arena = inquiry->arena};
    size_t count = 0;

    for (size_t i = 0; i < inquiry->answer->unseen.count && count < CANDIDATES_MOST; i++) {
        const struct unseen *unseen = &inquiry->answer->unseen.items[i];
        struct process process;
        if (!str_equal(unseen->what, what) || is_holder(cause, unseen->pid))
            continue;
        process_read(inquiry->arena, unseen->pid, PROCESS_BASIC, &process);
        if (process.known == KNOWN_YES)
            buf_addf(&out, "%s%.*s (pid %u)", count++ ? ", " : "", STR_ARG(process.name), process.pid);
    }
    if (count == 0)
        return;
    why_note(inquiry, cause,
             cause->holders.count > 0
                 ? str_printf(inquiry->arena, "%.*s may have it too, %s.", STR_ARG(buf_str(&out)), where)
                 : str_printf(inquiry->arena, "It may be %s%.*s, %s.", count > 1 ? "one of: " : "",
                              STR_ARG(buf_str(&out)), where));
}

// What is said of rare places where nobody was found, or where the kernel knows of more than were.
static void
note_rare_places(struct inquiry *inquiry, struct cause *cause)
{
    bool hidden = false;

    if (cause->holders.count > 0 && inquiry->answer->tier != TIER_BPF)
        return;
    note_rare_candidates(inquiry, cause, STR(UNSEEN_RING), "in an io_uring that does not tell what it keeps");
    note_rare_candidates(inquiry, cause, STR(UNSEEN_IN_FLIGHT), "in a message that waits to be received (SCM_RIGHTS)");
    for (size_t i = 0; i < inquiry->answer->unseen.count; i++)
        hidden = hidden || is_hidden(&inquiry->answer->unseen.items[i]);
    if (hidden && cause->holders.count > 0)
        why_note(inquiry, cause, STR("Something that no descriptor shows has it too."));
    else if (hidden)
        why_note(inquiry, cause,
                 STR("No descriptor of any program is this socket: it is kept in a way that can't be looked into, "
                     "or by the kernel for a disk or folder of the network."));
}

bool
why_is_partly_seen(const struct inquiry *inquiry, const struct cause *cause)
{
    const struct socket_row *socket = &inquiry->host->sockets.items[cause->sockets.items[0]];
    bool of_owner = !socket->uid_known;

    if (inquiry->answer->tier != TIER_OWN || inquiry->answer->complete || cause->holders.count == 0)
        return false;
    for (size_t i = 0; i < cause->holders.count; i++) {
        const struct process *process = cause->holders.items[i].process;
        if (!process)
            continue;
        of_owner = of_owner || !process->uid_known || process->uid == socket->uid;
        if (process->ppid > 1 && is_unseen(inquiry->answer, process->ppid))
            return true;
    }
    return !of_owner;
}

void
why_note_unseen(struct inquiry *inquiry, struct cause *cause)
{
    if (cause->holders.count == 0 && is_outside(inquiry->answer))
        why_note(
            inquiry, cause,
            STR("The kernel tells that a program outside of this container has it; which one is told only there."));
    else if (cause->holders.count == 0 && is_list_cut(inquiry->answer))
        why_note(inquiry, cause, STR("The list of programs can't be read in full here; moorage doctor tells why."));
    if (why_is_partly_seen(inquiry, cause))
        why_note(inquiry, cause, STR("More programs may have it than can be seen."));
    if (inquiry->question->reach == OWNER_FIRST && !inquiry->answer->complete && cause->holders.count > 0)
        why_note(inquiry, cause, STR("More programs may have it: the search ended with the first (--first)."));
    note_candidates(inquiry, cause);
    note_rare_places(inquiry, cause);
}
