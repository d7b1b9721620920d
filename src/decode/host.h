#ifndef MOORAGE_DECODE_HOST_H
#define MOORAGE_DECODE_HOST_H

// The model: what one host looked like at one moment, as plain data. decode makes it from bytes, sys fills it from the
// system, core reasons over it, decode/snapshot writes and reads it as moorage.snapshot/1.
// Invariants: nothing here is a guess (guesses are made in core and are called so there). A fact that could not be read
// says why (enum known) and has an empty value. Text is as the system gave it: hostile, maybe no UTF-8. All memory
// belongs to the arena of the reading. Sockets are referred to by their index in `sockets`.
// How the systems differ: a system that does not have a thing leaves its list empty or its fact KNOWN_UNSUPPORTED.

#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "decode/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// How a fact stands. In JSON, all but YES and NOT_ASKED become a word under "unknown".
enum known {
    KNOWN_NOT_ASKED,
    KNOWN_YES,
    KNOWN_NOT_ALLOWED,
    KNOWN_GONE,
    KNOWN_UNSUPPORTED,
    KNOWN_TIMEOUT,
};

struct fact {
    enum known known;
    struct str value;
};

enum tri {
    TRI_UNKNOWN,
    TRI_NO,
    TRI_YES,
};

enum protocol {
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    PROTOCOL_UDPLITE, // RFC 3828: a port space of its own
    PROTOCOL_MPTCP,   // RFC 8684: shares TCP's port space
    PROTOCOL_COUNT,
};

// RFC 9293 names; BOUND is a TCP socket that has a port and does not listen, UNCONN an unconnected UDP socket.
enum socket_state {
    SOCKET_LISTEN,
    SOCKET_BOUND,
    SOCKET_UNCONN,
    SOCKET_SYN_SENT,
    SOCKET_SYN_RECEIVED,
    SOCKET_ESTABLISHED,
    SOCKET_FIN_WAIT_1,
    SOCKET_FIN_WAIT_2,
    SOCKET_CLOSE_WAIT,
    SOCKET_CLOSING,
    SOCKET_LAST_ACK,
    SOCKET_TIME_WAIT,
    SOCKET_CLOSED,
    SOCKET_STATE_COUNT,
};

enum {
    HOST_SYSTEM_PID = 4 // Windows: the system itself, drivers and the HTTP server that is one of them included
};

// One row of the system's socket tables.
struct socket_row {
    enum protocol protocol;
    enum socket_state state;
    struct address local; // family says whether the socket itself is IPv4 or IPv6
    uint16_t local_port;
    struct address remote; // FAMILY_NONE: none
    uint16_t remote_port;
    enum tri v6only;     // IPv6 sockets only
    enum tri reuse_addr; // SO_REUSEADDR; tables don't tell it: known where Linux' kernel or Windows' handles were asked
    enum tri reuse_port; // SO_REUSEPORT; the same
    uint32_t device;     // interface index that the socket is bound to (SO_BINDTODEVICE), 0 = none
    struct str device_name;
    bool uid_known;
    uint32_t uid;             // Linux: who owns the socket
    uint64_t inode;           // Linux: 0 = no file: orphan, TIME_WAIT, not accepted yet
    uint64_t cookie;          // Linux: names the socket for its whole life, never reused; 0 = unknown
    uint64_t cgroup;          // Linux: id of the cgroup v2 that it was made in; 0 = unknown
    uint64_t netns;           // inode of its network namespace; 0 = the one that was asked from
    uint32_t owner_pid;       // Windows: what the table says; 0 = none
    struct str owner_service; // Windows: the service inside that process, as the system names it; empty = unknown
    int64_t created_ms;       // Windows: when it was bound, milliseconds since 1970 UTC; 0 = unknown
    uint32_t expires_ms;      // how long until its running timer ends; 0 = none (TIME_WAIT: the time left)
    uint32_t queue;           // LISTEN: connections not accepted yet
    uint32_t backlog;         // LISTEN: how many may wait
    bool holders_read;        // its holders were looked for already
};

// How a process keeps a socket alive.
enum holding_how {
    HOLDING_FD,        // `fd`
    HOLDING_THREAD_FD, // `fd` of thread `tid`, whose table is its own or whose leader is dead
    HOLDING_IN_FLIGHT, // sent by SCM_RIGHTS, not received: the process holds the unix socket it waits in
    HOLDING_IO_URING,  // a registered file of an io_uring of the process
    HOLDING_MMAP,      // mapped (packet rings, zero-copy receive)
    HOLDING_HANDLE,    // Windows: handle value in `fd`
    HOLDING_TABLE,     // the system's table names the pid, nothing more is known
};

struct holding {
    size_t socket; // index into host.sockets
    uint32_t pid;
    enum holding_how how;
    uint64_t fd;
    uint32_t tid;
};

// Something that could not be looked into while holders were searched. What says so in these words has a sentence of its own.
#define UNSEEN_RING "io_uring"
#define UNSEEN_IN_FLIGHT "descriptors in flight"             // in a message that waits to be received (SCM_RIGHTS)
#define UNSEEN_OUTSIDE "processes outside of this container" // of this pid namespace
#define UNSEEN_HIDDEN "holders that no descriptor shows"     // the kernel counts more than were found

struct unseen {
    uint32_t pid;      // 0 = of no process that has a number here
    struct str what;   // one of these, "fds", "threads", "maps", "processes"
    enum known reason; // never YES
    bool relevant;     // it could hold one of the sockets that were asked for
};

// Which way of finding holders ran (contract: tier).
enum tier {
    TIER_NONE, // holders were not asked for
    TIER_PROC, // every process was looked at
    TIER_OWN,  // without the right to look into others
    TIER_BPF,
    TIER_WINDOWS,
    TIER_FAKE,
};

enum exe_state {
    EXE_UNKNOWN,
    EXE_PRESENT,
    EXE_DELETED,  // the file that runs has no name any more
    EXE_REPLACED, // another file has its name now
};

// What the system says of the signature of a program file.
enum signature {
    SIGNATURE_UNKNOWN,
    SIGNATURE_NONE,    // not signed
    SIGNATURE_GOOD,    // signed, and its chain is trusted
    SIGNATURE_BROKEN,  // signed, and changed since
    SIGNATURE_DOUBTED, // signed by somebody who is not trusted here, or no longer
};

// What a supervisor of many programs (supervisord, pm2) calls one of them, as that one's environment says: anybody may write
// anything there, so it holds only once the supervisor says the same.
struct supervisor_entry {
    struct fact name; // "web", "shop:web"; of pm2 its number; value empty: it says so of none
    struct str of;    // "supervisord", "pm2"
    struct str api;   // where the supervisor listens: the path of a unix socket, or "127.0.0.1:9001"
};

struct process {
    uint32_t pid;
    enum known known; // GONE: it ended while it was read, nothing below is certain
    uint32_t ppid;
    uint32_t pgid;   // 0 = unknown
    uint32_t sid;    // session id, 0 = unknown
    struct str name; // short name (Linux: comm)
    struct fact exe; // path without " (deleted)"
    enum exe_state exe_state;
    enum known command_known;
    struct str_list command; // argv
    struct fact cwd;
    struct fact git_root;   // nearest folder above cwd that is a git work tree; value empty: none
    struct fact git_branch; // branch, or the commit's first 12 digits when detached
    bool uid_known;
    uint32_t uid;
    struct fact user; // name; the number as text where there is no name
    bool started_known;
    int64_t started_ms;     // milliseconds since 1970 UTC
    uint64_t started_ticks; // names it for sure: field 22 of /proc/PID/stat, FILETIME on Windows; 0 = unknown
    char state;             // Linux: R S D T t Z I; Windows: R S, T: suspended; 0 = unknown
    struct str tty;         // "pts/3"; empty = no controlling terminal
    bool kernel_thread;
    bool forked_no_exec; // Linux PF_FORKNOEXEC: forked and runs its parent's program still
    bool same_netns;     // it runs in the network namespace that was asked from
    uint64_t netns;      // 0 = unknown
    uint64_t pidns;      // 0 = unknown
    struct fact cgroup;  // path in the cgroup v2 tree, or of the systemd hierarchy of v1
    bool session_known;
    uint32_t session;    // Windows: terminal session; services run in 0
    struct fact company; // Windows: as the version resource of the program file says: anybody may write anything there
    struct fact product; // the same
    struct fact signer;  // Windows: who signed the program file; empty where it is not signed
    enum signature signature;
    bool critical; // Windows: the system stops when it ends
    struct supervisor_entry entry;
};

// A unit of a service manager.
struct service {
    struct str manager;      // "systemd", "systemd --user", "windows"
    struct str name;         // "nginx.service"
    struct str triggered_by; // the .socket unit that starts it; empty = none or unknown
    uint32_t uid;            // user managers: whose
    uint32_t main_pid;       // 0 = unknown or none
    bool is_socket;          // a .socket unit
    struct str description;
    struct str restart;    // systemd Restart=: "no", "always", ...; empty = unknown
    struct str listens;    // socket units: "[::]:631" and the like, blank between several
    struct str state;      // "active", ...
    bool at_boot;          // enabled
    struct str dependants; // Windows: running services that end with it, "," between several
    bool shares_process;   // Windows: others may run in its process (svchost)
    struct str triggers;   // socket units: the service that it starts; empty = unknown
    uint32_t stop_ms;      // how long its manager lets it take to stop; 0 = unknown, or for ever
};

struct published_port {
    enum protocol protocol;
    struct address host_address; // family NONE: every address
    uint16_t host_port;
    uint16_t container_port;
};

struct container {
    struct str runtime; // "docker", "podman", "containerd", "cri-o", "lxc", "nspawn", "kubernetes"
    struct str id;      // full, in lower-case hex where the runtime uses that
    struct str name;    // empty = unknown
    struct str image;
    struct str compose_project;
    struct str compose_service;
    struct str state;   // "running", ...
    struct str restart; // restart policy: "no", "always", "unless-stopped", ...; empty = unknown
    struct str api;     // path of the API socket that told this; empty = none did
    uint32_t pid;       // first process, as the host sees it; 0 = unknown
    uint32_t stop_s;    // seconds that its runtime lets it take to stop; 0 = unknown
    struct {
        LIST_OF(struct published_port);
    } ports;
};

// A rule that sends packets for a port elsewhere before any listener sees them.
struct redirect {
    struct str source; // "nftables", "iptables", "portproxy"
    struct str rule;   // table and chain, for people: "ip nat PREROUTING"
    bool local_output; // it also catches connections that start on this host
    enum protocol protocol;
    enum family family;     // NONE: both
    struct address to;      // NONE: this host
    struct address matched; // destination address that the rule asks for, NONE: any
    uint16_t first;
    uint16_t last;          // ports that are caught
    uint16_t to_port;       // 0 = unchanged
    uint8_t matched_prefix; // leading bits of `matched` that the rule asks for; 0 = all of them
    bool partial;           // the rule asks for more than stands here: interface, source, mark, chance, ...
};

// A URL of the system's own HTTP server (Windows: http.sys), which listens for several programs as pid 4.
struct http_url {
    struct str url;  // as it stands there: "http://+:5357/", "HTTP://127.0.0.1:80:127.0.0.1/app/"
    uint16_t port;   // that it names
    bool registered; // somebody listens; false: a reservation (urlacl) alone, which keeps nothing from a bind
    struct str
        owner; // reservations: who may use it ("NT SERVICE\\..." or a SID); queues: their name (application pool)
    struct {
        LIST_OF(uint32_t);
    } pids; // processes of the queue
};

// A port that another system has which shares this host's ports: Windows for a Linux in WSL, a Linux in WSL for Windows.
struct neighbour_port {
    struct str system; // "Windows", "WSL Ubuntu-24.04"
    enum protocol protocol;
    struct address address;
    uint16_t port;
    uint32_t pid;       // over there; 0 = unknown
    struct str name;    // of the program; empty = unknown
    struct str command; // one line; empty = unknown
};

enum range_kind {
    RANGE_DYNAMIC,    // ephemeral ports: ip_local_port_range, netsh dynamicport
    RANGE_RESERVED,   // kept out of the dynamic range: ip_local_reserved_ports; a bind that names them works
    RANGE_PRIVILEGED, // needs a right: below ip_unprivileged_port_start
    RANGE_EXCLUDED,   // Windows: no bind works
};

struct port_range {
    enum range_kind kind;
    bool any_protocol;
    enum protocol protocol; // when not any
    enum family family;     // NONE: both
    uint16_t first;
    uint16_t last;
    struct str source; // "net.ipv4.ip_local_port_range"
    bool administered; // Windows: made by somebody on purpose and lasting, not by a driver at its start
};

struct local_address {
    struct address address;
    uint32_t device;
    struct str device_name;
    uint8_t prefix;
};

// A socket that the kernel itself opened, recognised by what owns it.
struct kernel_port {
    enum protocol protocol;
    enum family family; // NONE: both
    uint16_t port;
    struct str kind; // "vxlan", "wireguard", "geneve", "nfsd", "rpc"
    struct str name; // interface or service: "vxlan0"
};

// Another network namespace and what listens in it.
struct netns {
    uint64_t id;     // inode of the namespace file
    struct str name; // "ip netns" name; empty = none
    uint32_t pid;    // a process that lives in it; 0 = none
    bool is_own;
    enum known known; // whether its sockets could be read
};

// Where the cgroup id of a socket leads (Linux): names the unit or container of a socket whose holder can't be seen.
struct group {
    uint64_t id;      // as in socket_row.cgroup
    struct fact path; // in the cgroup v2 tree
    struct {
        LIST_OF(uint32_t);
    } pids; // processes that live in it, at most 16: one of them may be the holder
};

// What a container runtime's API answered, kept as bytes so that a recording can be read again.
struct api_answer {
    struct str runtime;
    struct str endpoint; // path of the socket
    struct str request;  // "/containers/json"
    enum known known;
    struct str body;
};

struct raw_bytes {
    struct str name; // "sock_diag tcp ipv4 all"
    struct str bytes;
};

// The result of one real bind (contract: probe).
struct probe {
    enum protocol protocol;
    struct address address;
    uint16_t port;
    struct str bind; // "reuse", "plain", "exclusive", "reuseport"
    bool v6only;
    uint32_t device;
    bool worked;
    unsigned long code; // errno / WSA code, 0 when it worked
    struct str result;  // "ok", "EADDRINUSE", ... ; "unsupported" where the host lacks the family
};

// A port that is promised to a name (moorage lease), as it was written down.
struct lease {
    enum protocol protocol;
    uint16_t port;
    struct str name;    // empty: nobody's, for a short time
    struct str project; // the folder that the name belongs to
    uint32_t owner;     // user id of who took it
    struct str user;    // name of that user
    bool own;           // taken by the user who asks
    bool lasting;       // it lasts as long as the project is there
    uint32_t pid;       // the process that it was taken for; 0 = none. Unless it is lasting, it ends with this process
    uint64_t started;   // of that process, as the system counts it
    uint64_t space;     // Linux: the pid namespace that `pid` counts in; 0 = unknown
    int64_t ttl_ms;     // it ends so long after it was taken; 0 = never by itself
    int64_t taken_ms;   // milliseconds since 1970 UTC
    int64_t taken_up;   // the same by the clock that only goes forward, in milliseconds; of the boot that `boot` names
    int64_t ends_ms;    // when `ttl_ms` ends it, milliseconds since 1970 UTC; 0 = never by itself
    struct str boot;    // boot id
    struct str token;   // random, of this grant alone
    uint64_t fence;     // rises with each grant
    bool damaged;       // what was written down can't be read: only protocol, port and owner are known
};

// What can be seen on this host and what not, for `doctor`; and what a later reading must be compared with.
struct ability {
    struct str name; // "sockets", "holders", "containers", "services", "namespaces", "redirects", "probe"
    bool good;
    struct str detail; // "netlink sock_diag", "as uid 1000: only own processes"
    struct str fix;    // what would help; empty = nothing
};

struct host {
    struct str platform; // "linux", "windows"
    struct str system;   // "Linux 6.18.44 x86_64"
    struct str name;     // host name
    struct str id;       // stable id (machine-id hashed), empty = unknown
    struct str boot_id;
    int64_t time_ms;          // when it was read, milliseconds since 1970 UTC
    uint32_t uid;             // who asked
    bool admin;               // root / elevated
    struct str socket_source; // "netlink", "/proc/net", "iphlpapi"
    enum tier tier;
    bool complete; // nothing that could hold the asked sockets was left out
    struct {
        LIST_OF(struct socket_row);
    } sockets;
    struct {
        LIST_OF(struct holding);
    } holdings;
    struct {
        LIST_OF(struct unseen);
    } unseen;
    struct {
        LIST_OF(struct process);
    } processes;
    struct {
        LIST_OF(struct service);
    } services;
    struct {
        LIST_OF(struct container);
    } containers;
    struct {
        LIST_OF(struct redirect);
    } redirects;
    struct {
        LIST_OF(struct port_range);
    } ranges;
    struct {
        LIST_OF(struct local_address);
    } addresses;
    struct {
        LIST_OF(struct kernel_port);
    } kernel_ports;
    struct {
        LIST_OF(struct netns);
    } namespaces;
    struct {
        LIST_OF(struct api_answer);
    } api_answers;
    struct {
        LIST_OF(struct probe);
    } probes;
    struct {
        LIST_OF(struct lease);
    } leases;                // of all users, as far as they can be seen
    enum known leases_known; // whether leases were asked for
    struct {
        LIST_OF(struct ability);
    } abilities;
    struct {
        LIST_OF(struct raw_bytes);
    } raw;
    bool ipv6;                  // the host has IPv6
    bool nonlocal_bind;         // net.ipv4.ip_nonlocal_bind is on
    enum known redirects_known; // whether redirect rules could be read
    enum known namespaces_known;
    bool namespaces_tcp;       // TCP's sockets were looked for there too
    enum known services_known; // whether a service manager answered
    struct {
        LIST_OF(struct group);
    } groups;
    struct {
        LIST_OF(uint32_t);
    } socket_units_of;     // service managers whose socket units were listed: a user's id, UINT32_MAX for the system's
    enum known http_known; // whether the URLs of the system's HTTP server could be read
    struct {
        LIST_OF(struct http_url);
    } http_urls;
    struct str wsl;            // this is a Linux in WSL: "1", "2"; empty = it is not
    struct str wsl_networking; // how WSL shares ports: "nat", "mirrored", ...; empty = unknown or no WSL
    enum known neighbours_known;
    struct {
        LIST_OF(struct neighbour_port);
    } neighbour_ports;
    struct {
        LIST_OF(uint32_t);
    } silent_managers; // service managers that did not answer, named the same way: they are not asked again
};

// "tcp", "udp", "udplite", "mptcp"
struct str
host_protocol_name(enum protocol protocol);
bool
host_protocol_parse(struct str name, enum protocol *out);
// "LISTEN", "TIME_WAIT", ...
struct str
host_state_name(enum socket_state state);
bool
host_state_parse(struct str name, enum socket_state *out);
// "not-allowed", "gone", "unsupported", "timeout"; empty for YES and NOT_ASKED
struct str
host_known_name(enum known known);
bool
host_known_parse(struct str name, enum known *out);
// How a fact stands whose reading failed so: never YES
enum known
host_known_of(enum err_kind kind);
// "proc", "own", "bpf", "windows", "fake"
struct str
host_tier_name(enum tier tier);
// "fd 19", "thread 77 fd 3", "in-flight", "io_uring", "mmap", "handle 0x1c4", "table"
struct str
host_how_format(struct arena *arena, const struct holding *holding);

// The lease of this port, or NULL.
const struct lease *
host_lease(const struct host *host, enum protocol protocol, uint16_t port);

// The protocol whose ports these are: TCP for MPTCP, any other for itself.
enum protocol
host_port_space(enum protocol protocol);

// All protocols that have their ports in one space with this one, itself among them: bits 1 << enum protocol.
unsigned
host_port_sharers(enum protocol protocol);

// Whether two protocols share one port space.
bool
host_same_ports(enum protocol a, enum protocol b);

// Whether the system says that somebody has the socket: a file (Linux), an owner (Windows). What has neither and connects,
// ends or was not accepted yet is the system's own.
bool
host_has_owner(const struct socket_row *row);

// Whether the socket gets what arrives for this address; family NONE: for 127.0.0.1 or ::1.
bool
host_covers(const struct socket_row *row, struct address address);

// Whether looking for a holder can find one: it has an owner, or it serves or is bound, where Windows may name nobody.
bool
host_could_be_held(const struct socket_row *row);

// Whether no program has the socket any more and it only waits for its time to pass: TIME_WAIT, orphans that finish.
bool
host_is_left_over(const struct socket_row *row);

// The process with this pid, or NULL.
const struct process *
host_process(const struct host *host, uint32_t pid);

#endif
