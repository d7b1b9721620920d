#ifndef MOORAGE_CORE_WHY_PARTS_H
#define MOORAGE_CORE_WHY_PARTS_H

// What the files why*.c share: the state of one question while it is answered. Not for others.
// The order of work: rows that overlap -> probes -> more rows where they are called for -> holders and context -> causes by
// precedence (each row is claimed once) -> remedies. The systems do not differ here.

#include "base/arena.h"
#include "core/known.h"
#include "core/platform.h"
#include "core/refusal.h"
#include "core/why.h"
#include "decode/host.h"
#include "sys/bind_probe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// How a row stands to the binds that were asked for.
enum row_role {
    ROW_APART,    // same port, does not overlap: another family or address
    ROW_HARMLESS, // overlaps, but does not keep the bind from working
    ROW_MAYBE,    // overlaps; whether it blocks depends on options that can't be seen
    ROW_BLOCKS,
};

struct why_row {
    size_t socket; // index into host->sockets
    enum row_role role;
    unsigned outcomes; // bits of enum conflict_outcome: how the asked binds may end beside it
    bool claimed;      // stands in a cause already
    uint32_t *pids;    // who holds it, ascending, each once; filled when causes are looked for
    size_t pid_count;
};

struct inquiry {
    struct arena *arena;
    struct host *host;
    const struct why_question *question;
    struct answer *answer;
    const struct platform *platform;
    uint16_t port;
    uint32_t uid; // who would bind
    struct bind_wish wishes[2];
    size_t wish_count;
    bool all_states;      // rows in every state were read, not only listeners
    enum refusal refusal; // of the first deciding probe that failed; NONE: all worked, or none could be tried
    unsigned long code;   // its number
    struct str result;    // its name
    bool usual_fails;     // the bind of an ordinary server fails
    bool strict_fails;    // the bind that shares with nobody fails
    bool taken;           // the verdict: sockets keep the bind from working
    struct {
        LIST_OF(struct why_row);
    } rows;
};

// Whether the row may be the reason of this very refusal: a socket in use is not what forbids a bind, and the other way
// round.
bool
why_explains(const struct inquiry *inquiry, const struct why_row *row);

// What the system calls the refusal: "EADDRINUSE", "error 10048".
struct str
why_error(const struct inquiry *inquiry);

// Reads the rows and probes the binds until they agree (why_look.c). False when nothing could be read at all.
bool
why_look(struct inquiry *inquiry, struct err *err);

// Reads what else may have the port (why_beyond.c): the system's HTTP server reserves ports that refuse a bind, and where
// another system shares the ports of this one, its programs have no row here.
void
why_read_beyond(struct inquiry *inquiry);

// Whether a missing right, not a socket, refused the bind: then no bind tells about the sockets.
static inline bool
why_is_untried(const struct inquiry *inquiry)
{
    return inquiry->refusal == REFUSAL_NO_RIGHT || inquiry->refusal == REFUSAL_BY_RULE;
}

// Whether some row stands in this role or a worse one.
bool
why_has_role(const struct inquiry *inquiry, enum row_role least);

// One kind of cause: whether a row leads to it, what else of the port stands with that row, and how it is said.
struct cause_rule {
    enum cause_kind kind;
    bool of_servers; // for sockets that serve or are bound; else for what is left over, whoever holds it
    bool (*leads)(struct inquiry *inquiry, const struct why_row *row, const struct holder_list *holders);
    bool (*joins)(struct inquiry *inquiry, const struct why_row *lead, const struct why_row *row);
};

// The causes that are sockets, in the contract's precedence: the first rule that a row leads to claims it, with what
// joins it (why_rules.c).
extern const struct cause_rule why_rules[];
extern const size_t why_rule_count;

// What rules and sentences ask of rows.
bool
why_serves(const struct socket_row *socket);
bool
why_is_connection(const struct socket_row *socket);
bool
why_shares_holder(const struct why_row *a, const struct why_row *b);
bool
why_joins_listener(struct inquiry *inquiry, const struct why_row *lead, const struct why_row *row);
void
why_holders_of(const struct inquiry *inquiry, const struct why_row *row, struct holder_list *out);

// Who is to blame for a row instead of its process; NULL = nobody.
const struct service *
why_socket_unit_of(const struct inquiry *inquiry, const struct why_row *row);
const struct service *
why_service_of(const struct holder_list *holders);
const struct container *
why_container_of(const struct inquiry *inquiry, const struct why_row *row, const struct holder_list *holders);

// "*:3000"
struct str
why_neighbour_where(struct arena *arena, const struct neighbour_port *port);

// Whom a relay stands for on the system beside this one, or NULL.
const struct neighbour_port *
why_relayed_to(struct inquiry *inquiry, const struct holder_list *holders);
// The sentence of a relay, and of a program over there that has the port without any socket here.
struct str
why_say_relay(struct inquiry *inquiry, struct cause *cause);

// Sockets that share the port with the asked ones, or don't let them (why_share.c): the sentence, and the evidence.
struct str
why_say_shared(struct inquiry *inquiry, struct cause *cause);
void
why_note_reuseport(struct inquiry *inquiry, struct cause *cause);
void
why_note_options(struct inquiry *inquiry, struct cause *cause);

// Causes made of sockets, in the contract's precedence; `why_find_socket_causes` claims every row that blocks or may.
void
why_find_socket_causes(struct inquiry *inquiry);

// Causes that are no sockets: ranges, rights, addresses, neighbours, redirects, other namespaces.
void
why_find_system_causes(struct inquiry *inquiry);

// Fills cause->remedies, least harm first.
void
why_add_remedies(struct inquiry *inquiry, struct cause *cause);

// What remedies are made of (why_remedy.c); `label` is two words at most.
struct remedy *
why_add_remedy(struct inquiry *inquiry, struct cause *cause, enum lever lever, enum harm harm, const char *label,
               struct str sentence);
// "moorage free 8080": what ends the cause for the very bind that was asked for ("moorage free 8080 --on 127.0.0.1").
struct str
why_free_command(struct inquiry *inquiry, const struct cause *cause);
// A command of core/platform.h for the asked port.
struct str
why_fill_port(struct inquiry *inquiry, struct str template);

// Remedies that stop whoever has the port (why_remedy_stop.c).
void
why_stop_process(struct inquiry *inquiry, struct cause *cause);
void
why_stop_main_service(struct inquiry *inquiry, struct cause *cause);
void
why_stop_socket_unit(struct inquiry *inquiry, struct cause *cause);
void
why_stop_container(struct inquiry *inquiry, struct cause *cause);
// The same question with more rights.
void
why_see_who(struct inquiry *inquiry, struct cause *cause, const char *label, const char *sentence);

// Remedies where it is not the holder that must end (why_remedy_beyond.c).
void
why_end_http(struct inquiry *inquiry, struct cause *cause);
void
why_end_portproxy(struct inquiry *inquiry, struct cause *cause);
void
why_end_relay(struct inquiry *inquiry, struct cause *cause);
void
why_leave_range(struct inquiry *inquiry, struct cause *cause);
void
why_find_filter(struct inquiry *inquiry, struct cause *cause);

// Fills the sentence and the notes of a cause that is made of sockets.
void
why_say(struct inquiry *inquiry, struct cause *cause);

// Who has the cause's sockets and can't be named (why_unseen.c): the unit or container that the first one was made in, or the
// user that owns it, is still known.
struct str
why_unseen_who(struct inquiry *inquiry, const struct cause *cause);

// Notes who may have them, besides those that were found or where nobody was.
void
why_note_unseen(struct inquiry *inquiry, struct cause *cause);

// Whether more programs have the sockets of the cause than could be seen: the socket belongs to another user than every
// program that is seen with it, or the parent of one of these may not be looked into.
bool
why_is_partly_seen(const struct inquiry *inquiry, const struct cause *cause);

// A new cause of the answer.
struct cause *
why_add_cause(struct inquiry *inquiry, enum cause_kind kind, bool blocks);

// Goes through the rows of the asked port: `at` starts as SIZE_MAX and becomes the next index into host->sockets; false
// at the end. Without an index rows of other ports come too.
bool
why_next(const struct inquiry *inquiry, size_t *at);

// The row's socket.
const struct socket_row *
why_socket(const struct inquiry *inquiry, const struct why_row *row);

// "node (pid 41233)", "node (pid 41233 and 4 more)", "a program of user root that may not be looked into".
struct str
why_who(struct inquiry *inquiry, const struct cause *cause);

// "*:8080", "127.0.0.1:80 and [::1]:80"
struct str
why_where(struct inquiry *inquiry, const struct cause *cause);

// The range of this kind that holds the port for one of the asked families, or NULL.
const struct port_range *
why_range(const struct inquiry *inquiry, enum range_kind kind);

// The system's own HTTP server (why_http.c).
bool
why_leads_http(struct inquiry *inquiry, const struct why_row *row, const struct holder_list *holders);
bool
why_joins_http(struct inquiry *inquiry, const struct why_row *lead, const struct why_row *row);
// Fills sentence, notes and users of the cause.
void
why_say_http(struct inquiry *inquiry, struct cause *cause);
// Whether this excluded range is a port that the server keeps for its programs, rather than one that nobody has.
bool
why_http_has_range(const struct inquiry *inquiry, const struct port_range *range);
// Reads the processes behind the URLs of the port.
void
why_read_http_users(struct inquiry *inquiry);

// Forwarding rules that listen themselves, and the system that shares this one's ports (why_forward.c).
bool
why_leads_portproxy(struct inquiry *inquiry, const struct why_row *row, const struct holder_list *holders);
bool
why_joins_portproxy(struct inquiry *inquiry, const struct why_row *lead, const struct why_row *row);
const struct redirect *
why_portproxy_of(const struct inquiry *inquiry, const struct why_row *row);
// The sentence; a note tells the rule.
struct str
why_say_portproxy(struct inquiry *inquiry, struct cause *cause);
// The command that deletes the rule.
struct str
why_delete_portproxy(struct inquiry *inquiry, const struct redirect *rule);
// "172.20.0.2:80", "port 8081"
struct str
why_redirect_target(struct inquiry *inquiry, const struct redirect *rule);
// Who has the port over there, or NULL.
const struct neighbour_port *
why_neighbour(const struct inquiry *inquiry);

// Whether what most likely made an excluded range runs; asked of the service manager.
enum tri
why_range_maker_runs(struct inquiry *inquiry);

// Causes that are ranges of ports (why_range.c).
void
why_find_range_causes(struct inquiry *inquiry);

// What experts know of this holder on the asked port; of the port alone where the holder is NULL.
struct known_cause
why_known(struct inquiry *inquiry, const struct holder *holder);

// Adds a whole sentence to the cause's evidence; none where it is empty.
void
why_note(struct inquiry *inquiry, struct cause *cause, struct str sentence);

#endif
