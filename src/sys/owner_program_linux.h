#ifndef MOORAGE_SYS_OWNER_PROGRAM_LINUX_H
#define MOORAGE_SYS_OWNER_PROGRAM_LINUX_H

// What moorage and its program in the kernel (sys/bpf/owner_program.c) share: the same bytes, seen from both sides. Linux
// only; part of sys/socket_owner. The program follows the kernel's own structures, and is told where their members lie.

#include <stdint.h>

// Members of the kernel's structures that the program follows. X(name, structure, member)
#define OWNER_FIELDS(X)                                         \
    X(TASK_TASKS, "task_struct", "tasks")                       \
    X(TASK_PID, "task_struct", "pid")                           \
    X(TASK_TGID, "task_struct", "tgid")                         \
    X(TASK_LEADER, "task_struct", "group_leader")               \
    X(TASK_FILES, "task_struct", "files")                       \
    X(TASK_SIGNAL, "task_struct", "signal")                     \
    X(TASK_THREAD_NODE, "task_struct", "thread_node")           \
    X(SIGNAL_THREAD_HEAD, "signal_struct", "thread_head")       \
    X(FILES_FDT, "files_struct", "fdt")                         \
    X(FILES_COUNT, "files_struct", "count")                     \
    X(FDTABLE_SIZE, "fdtable", "max_fds")                       \
    X(FDTABLE_FD, "fdtable", "fd")                              \
    X(FILE_OPERATIONS, "file", "f_op")                          \
    X(FILE_INODE, "file", "f_inode")                            \
    X(FILE_DATA, "file", "private_data")                        \
    X(INODE_NUMBER, "inode", "i_ino")                           \
    X(SOCKET_SK, "socket", "sk")                                \
    X(SOCKET_FILE, "socket", "file")                            \
    X(SOCKET_WQ, "socket", "wq")                                \
    X(WQ_WAIT, "socket_wq", "wait")                             \
    X(WAIT_HEAD, "wait_queue_head", "head")                     \
    X(ENTRY_NODE, "wait_queue_entry", "entry")                  \
    X(ENTRY_FUNC, "wait_queue_entry", "func")                   \
    X(SK_SOCKET, "sock", "sk_socket")                           \
    X(TASK_SPACES, "task_struct", "nsproxy")                    \
    X(SPACES_NET, "nsproxy", "net_ns")                          \
    X(SKC_NET, "sock_common", "skc_net")                        \
    /* Older kernels have the one, newer ones the other. */     \
    X(FILE_REF, "file", "f_ref")                                \
    X(FILE_COUNT, "file", "f_count")                            \
    /* From here on: to tell what a port has. */                \
    X(SKC_FAMILY, "sock_common", "skc_family")                  \
    X(SKC_DEVICE, "sock_common", "skc_bound_dev_if")            \
    X(SKC_PEER_PORT, "sock_common", "skc_dport")                \
    X(SKC_LOCAL4, "sock_common", "skc_rcv_saddr")               \
    X(SKC_PEER4, "sock_common", "skc_daddr")                    \
    X(ICSK_ULP, "inet_connection_sock", "icsk_ulp_ops")         \
    X(ICSK_QUEUE, "inet_connection_sock", "icsk_accept_queue")  \
    X(QUEUE_LENGTH, "request_sock_queue", "qlen")               \
    /* From here on: to go through the networks. */             \
    X(NET_LIST, "net", "list")                                  \
    X(NET_SPACE, "net", "ns")                                   \
    X(SPACE_KIND, "ns_common", "ops")                           \
    /* A kernel without IPv6 has not these. */                  \
    X(SKC_LOCAL6, "sock_common", "skc_v6_rcv_saddr")            \
    X(SKC_PEER6, "sock_common", "skc_v6_daddr")                 \
    /* From here on: to look sockets up by their port. */       \
    X(SKC_NUMBER, "sock_common", "skc_num")                     \
    X(SKC_STATE, "sock_common", "skc_state")                    \
    X(SKC_COOKIE, "sock_common", "skc_cookie")                  \
    X(SKC_NODE, "sock_common", "skc_node")                      \
    X(SKC_BIND_NODE, "sock_common", "skc_bind_node")            \
    X(NET_MIX, "net", "hash_mix")                               \
    X(NET_IPV4, "net", "ipv4")                                  \
    X(IPV4_DEATH_ROW, "netns_ipv4", "tcp_death_row")            \
    X(DEATH_ROW_HASH, "inet_timewait_death_row", "hashinfo")    \
    X(HASH_BIND, "inet_hashinfo", "bhash")                      \
    X(HASH_BIND_SIZE, "inet_hashinfo", "bhash_size")            \
    X(SLOT_CHAIN, "inet_bind_hashbucket", "chain")              \
    X(BUCKET_PORT, "inet_bind_bucket", "port")                  \
    X(BUCKET_NET, "inet_bind_bucket", "ib_net")                 \
    X(BUCKET_NODE, "inet_bind_bucket", "node")                  \
    X(BUCKET_BHASH2, "inet_bind_bucket", "bhash2")              \
    X(BUCKET2_NODE, "inet_bind2_bucket", "bhash_node")          \
    X(BUCKET2_OWNERS, "inet_bind2_bucket", "owners")            \
    /* Before Linux 6.8, instead of the last three. */          \
    X(BUCKET_OWNERS, "inet_bind_bucket", "owners")              \
    /* From Linux 6.2 on. */                                    \
    X(IPV4_UDP_TABLE, "netns_ipv4", "udp_table")                \
    X(UDP_HASH, "udp_table", "hash")                            \
    X(UDP_MASK, "udp_table", "mask")                            \
    X(UDP_SLOT_HEAD, "udp_hslot", "head")                       \
    /* From here on: to find of whom it is a part. */           \
    X(ICSK_ULP_DATA, "inet_connection_sock", "icsk_ulp_data")   \
    X(ULP_NAME, "tcp_ulp_ops", "name")                          \
    X(PART_PARENT, "mptcp_subflow_context", "conn")             \
    X(PART_SOCKET, "mptcp_subflow_context", "tcp_sock")         \
    /* From here on: to find the table of UDP-Lite. */          \
    X(SKC_PROTOCOL, "sock_common", "skc_prot")                  \
    X(PROTOCOL_TABLE, "proto", "h")                             \
    /* From here on: to walk all listeners. */                  \
    X(HASH_LISTEN, "inet_hashinfo", "lhash2")                   \
    X(HASH_LISTEN_MASK, "inet_hashinfo", "lhash2_mask")         \
    X(LISTEN_SLOT_HEAD, "inet_listen_hashbucket", "nulls_head") \
    /* From here on: to count as a pid namespace does. */       \
    X(TASK_NUMBERS, "task_struct", "thread_pid")                \
    X(SIGNAL_NUMBERS, "signal_struct", "pids")                  \
    X(NUMBERS_LEVEL, "pid", "level")                            \
    X(NUMBERS_EACH, "pid", "numbers")                           \
    X(NUMBER, "upid", "nr")                                     \
    X(NUMBER_SPACE, "upid", "ns")                               \
    /* From here on: to tell of a process what /proc does. */   \
    X(TASK_NAME, "task_struct", "comm")                         \
    X(TASK_START, "task_struct", "start_boottime")              \
    X(TASK_PARENT, "task_struct", "real_parent")                \
    X(TASK_CRED, "task_struct", "real_cred")                    \
    X(TASK_FLAGS, "task_struct", "flags")                       \
    X(TASK_STATE, "task_struct", "__state")                     \
    X(TASK_EXIT_STATE, "task_struct", "exit_state")             \
    X(TASK_GROUPS, "task_struct", "cgroups")                    \
    X(CRED_USER, "cred", "euid")                                \
    X(SIGNAL_TTY, "signal_struct", "tty")                       \
    X(TTY_DRIVER, "tty_struct", "driver")                       \
    X(TTY_INDEX, "tty_struct", "index")                         \
    X(DRIVER_MAJOR, "tty_driver", "major")                      \
    X(DRIVER_MINOR, "tty_driver", "minor_start")                \
    X(PIDS_SPACE, "pid_namespace", "ns")                        \
    X(SPACE_INODE, "ns_common", "inum")

#define OWNER_FIELD_NAME(name, type, member) FIELD_##name,
enum owner_field {
    OWNER_FIELDS(OWNER_FIELD_NAME) FIELD_COUNT
};

// What one run of the program does.
enum owner_run {
    OWNER_RUN_TCP,       // the sockets that are bound to a TCP port: emits one hit for each that has a wanted inode
    OWNER_RUN_UDP,       // the same of UDP
    OWNER_RUN_TCP_FLAGS, // the same sockets, those without a file too: one hit for each that has a wanted cookie
    OWNER_RUN_UDP_FLAGS,
    OWNER_RUN_TCP_ALL, // all that listen, whatever port: emits as OWNER_RUN_TCP
    OWNER_RUN_UDP_ALL, // all that are bound
    OWNER_RUN_FILES,   // the descriptors of all threads: emits one hit for each whose file is wanted
    OWNER_RUN_INODES,  // the same for each that is a socket with a wanted inode
    OWNER_RUN_SERVERS, // the files of TCP_ALL and UDP_ALL are wanted, whatever the set was, and then looked for as with
                       // FILES: emits the same hits, with inode and references as they were when the descriptor was met
    OWNER_RUN_COUNTS,  // reads again how often the files of the first `count` hits are referred to
    OWNER_RUN_ROWS,    // the sockets that are bound to a TCP port, those without a file too: emits a row for each
    OWNER_RUN_TCP_SPACES, // looks for sockets on a TCP port in the other networks: counts one hit if there is any
    OWNER_RUN_UDP_SPACES, // the same of UDP
    OWNER_RUN_UNUSED,     // emits one hit for each TCP port from a port on that no socket is bound to, `most` of them
};

enum {
    // Descriptors that are read at once; tables have a multiple of it. More are dear to verify, since that is done for each.
    OWNER_CHUNK = 16,
    OWNER_FILTER_WORDS = 4096,
};

// What is wanted stands in a second map: a set of hashes (owner_hash). It may hit what is not wanted.
struct owner_hit {
    uint64_t file;    // address of the struct file
    uint64_t inode;   // 0 with FILES; FLAGS: the cookie
    uint64_t refs;    // COUNTS, SERVERS: how often the file is referred to
    uint64_t waiters; // COUNTS: sleepers in a call on this socket, each of which may hold a reference
    uint64_t table;   // address of the table with the descriptor; 0 = socket that was found by its port
    uint32_t fd;      // FLAGS: the byte with SO_REUSEADDR in it, and that with SO_REUSEPORT from bit 8 on
    uint32_t pid;     // of the process, as moorage's own pid namespace counts it; 0 = it is outside
    uint32_t tid;     // of the thread whose table it is; 0 = the first one's
    uint32_t pad;
};

// The same place of the map with ROWS; what is told of it is what another tier asks the kernel for it by (inet_diag_sockid).
struct owner_row {
    uint64_t socket; // its address
    uint64_t cookie; // 0 = it has none yet
    uint8_t local[16];
    uint8_t peer[16];
    uint16_t peer_port; // in network order
    uint8_t family;
    uint8_t state;
    uint32_t device;
};

// A process with a hit, as its first thread has it.
struct owner_task {
    uint64_t start;  // nanoseconds since the system started
    uint64_t groups; // address of its set of cgroups: who has the same is in the same cgroups
    uint32_t pid;    // this and the next three as moorage's own pid namespace counts: 0 = outside
    uint32_t parent;
    uint32_t group; // of processes
    uint32_t session;
    uint32_t uid;
    uint32_t flags; // PF_*
    uint32_t state; // TASK_*
    uint32_t exit_state;
    uint32_t tty_major; // of its terminal; with the others 0: it has none
    uint32_t tty_minor;
    uint32_t netns; // inodes of namespaces
    uint32_t pidns;
    char name[16];
};

// What stands on both sides of a member of a ring.
struct owner_ring {
    uint64_t next;
    uint64_t last;
};

struct owner_state {
    // Set by moorage.
    uint32_t at[FIELD_COUNT];
    uint32_t run;    // enum owner_run
    uint32_t own_fd; // a TCP socket of its own, in an epoll of its own
    uint32_t port;
    uint32_t refs_less; // a file's counter shows so many less than there are
    uint32_t refs_at;   // where that counter lies
    uint32_t hash_shift;
    uint32_t slot_size; // of a slot of the table of bound TCP ports
    uint32_t udp_slot_size;
    uint32_t listen_slot_size; // of the table of listeners
    uint32_t reuse_at;         // where the bytes with the bit fields of SO_REUSEADDR and SO_REUSEPORT lie in a socket
    uint32_t reuse_port_at;
    uint32_t most;
    uint32_t upid_size; // of an element of the numbers of a process; 0: only the first pid namespace's are known
    uint32_t tells;     // of processes
    uint32_t parents;   // TCP, TCP_FLAGS: the sockets of MPTCP that sockets of the port are parts of are met too
    uint32_t flat;      // buckets have their sockets themselves, not one list for each address
    uint32_t apart;     // the table of UDP sockets is none of the network's: it is that of this kind of socket
    uint32_t apart_fd;  // one of its own
    uint32_t every;     // all files are looked at; 0: those of the filter
    uint64_t enough;    // FILES: so many descriptors are all that there can be; 0 = all tables are looked at

    // Set by the program.
    uint64_t count;  // hits, also those for which there was no room
    uint64_t tasks;  // processes, also those for which there was no room; the first one is this one
    uint64_t done;   // the run came to its end
    uint64_t faults; // not 0: something could not be read
    uint64_t odd;    // ROWS: sockets of which more must be asked than the kernel tells of a single one
    uint64_t
        own_inode; // of the socket, and how often it is referred to: what moorage knows, to see whether the layout is right
    uint64_t own_refs;
    uint64_t own_pid;

    // The program's own.
    uint64_t operations; // of files that are sockets
    uint64_t epoll;      // what wakes a sleeper of epoll, which holds no reference
    uint64_t net;        // that is being looked at, and that of moorage itself
    uint64_t own_net;
    uint64_t kind; // of what is a network
    uint64_t apart_table;
    uint64_t pid_space; // moorage's own pid namespace
    uint64_t table;     // of descriptors: the one that is being looked at, and that of the first thread
    uint64_t first_table;
    uint64_t array;
    uint64_t task; // first thread of the process, and the one whose table is being looked at
    uint64_t thread;
    uint64_t first; // place in the list of processes where the walk began
    uint64_t node;  // in the lists that are being followed, from the outermost to the innermost
    uint64_t node2;
    uint64_t node3;
    uint64_t head;       // of a list that ends where it begins
    uint32_t level;      // of pid_space: how many are around it
    uint32_t step;       // what comes next
    uint32_t met;        // descriptors in the table of the first thread
    uint32_t sharers;    // threads of the process that have that table
    uint32_t bind_slots; // of the table of bound TCP ports, and what the network adds to a port to find its slot
    uint32_t bind_mix;
    uint32_t pid; // of the process, once it is known
    uint32_t tid;
    uint32_t chunks; // that are left of the table
    uint32_t base;   // first descriptor of the chunk
    uint32_t index;  // in the chunk, or of the hit
    uint32_t kept;   // places of the chunk, and the descriptor of the last one
    uint32_t fd;
    uint32_t told;  // of the process
    uint32_t after; // what comes when it is
    uint32_t slots; // that are left of the table of sockets
    uint32_t slot_bytes;
    uint32_t slot_head; // where the list of the slot begins in it
    uint32_t by_chunk;  // whether several slots are read at once
    uint32_t tables;    // of sockets that were begun
    // The number that was read last: what is read to the stack is dear to verify.
    union {
        uint64_t u64;
        uint32_t u32;
        uint16_t u16;
        uint8_t u8;
        struct owner_ring ring;
    } value;
    uint64_t chunk[OWNER_CHUNK];
    uint8_t place[OWNER_CHUNK]; // in the chunk as it was, of what is kept of it
    // Set by moorage, or with SERVERS by the program: a bit for each wanted file, by owner_filter(). What has none is not
    // looked up in the larger set.
    uint64_t filter[OWNER_FILTER_WORDS];
};

// The place of an inode or file in the set, as the number of a bit.
static inline uint64_t
owner_hash(uint64_t key, uint32_t shift)
{
    return key * 0x9E3779B97F4A7C15u >> shift;
}

// The place of a file in the filter, as the number of a bit. An empty place of a table of descriptors has the bit 0.
static inline uint32_t
owner_filter(uint64_t file)
{
    return (uint32_t)(file >> 6) * 0x9E3779B1u >> 14;
}

#endif
