// The real kernel: what a program in it tells of holders, against what the walk over /proc finds.

#include "send_descriptor_linux.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ask_kernel_linux.h"
#include "base/buf.h"
#include "refuse_linux.h"
#include "sys/owner_bpf_linux.h"
#include "sys/owner_kernel_linux.h"
#include "sys/owner_layout_linux.h"
#include "sys/owner_session_linux.h"
#include "sys/socket_owner.h"
#include "sys/socket_table.h"

// What the kernel says of one socket alone.
static enum owner_bpf
ask_kernel(struct arena *arena, int fd, enum protocol protocol, struct host *host)
{
    struct stat facts;
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    CHECK(fstat(fd, &facts) == 0 && getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    *LIST_ADD(arena, &host->sockets) =
        (struct socket_row){.protocol = protocol, .inode = facts.st_ino, .local_port = ntohs(address.sin_port)};
    return ask_kernel_all(arena, host);
}

TEST(count_of_references_proves_that_all_were_found)
{
    uint64_t inode = 0;
    NEED_KERNEL();
    struct host host = {0};
    int fd = open_bound(SOCK_STREAM, 0, &inode);
    int copy = dup(fd);
    enum owner_bpf told = ask_kernel(arena, fd, PROTOCOL_TCP, &host);
    close(fd);
    close(copy);
    CHECK_INT(told, OWNER_BPF_PROVED);
    CHECK_INT(host.holdings.count, 2);
}

TEST(udp_sockets_are_found_by_their_port_too)
{
    uint64_t inode = 0;
    NEED_KERNEL();
    struct host host = {0};
    int fd = open_bound(SOCK_DGRAM, 0, &inode);
    enum owner_bpf told = ask_kernel(arena, fd, PROTOCOL_UDP, &host);
    close(fd);
    CHECK_INT(told, OWNER_BPF_PROVED);
    CHECK_INT(host.holdings.count, 1);
    CHECK_INT(host.holdings.items[0].fd, fd);
}

static void *
sleep_in_poll(void *data)
{
    struct pollfd one = {.fd = *(int *)data, .events = POLLIN};
    poll(&one, 1, 120000);
    return NULL;
}

static void *
sleep_in_accept(void *data)
{
    accept(*(int *)data, NULL, NULL);
    return NULL;
}

// Asks until the thread is asleep.
static enum owner_bpf
ask_while(struct arena *arena, void *(*sleeper)(void *), bool *as_wanted)
{
    uint64_t inode = 0;
    pthread_t thread;
    int fd = open_bound(SOCK_STREAM, 0, &inode);
    enum owner_bpf told = OWNER_BPF_REFUSED;
    CHECK(listen(fd, 1) == 0 && pthread_create(&thread, NULL, sleeper, &fd) == 0);
    *as_wanted = false;
    for (int i = 0; i < 10000 && !*as_wanted; i++) {
        struct host host = {0};
        usleep(2000);
        told = ask_kernel(arena, fd, PROTOCOL_TCP, &host);
        *as_wanted = told == OWNER_BPF_EXPLAINED && host.holdings.count == 1;
    }
    shutdown(fd, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(fd);
    return told;
}

TEST(sleepers_in_poll_explain_a_higher_count)
{
    bool good;
    NEED_KERNEL();
    ask_while(arena, sleep_in_poll, &good);
    CHECK(good);
}

TEST(sleepers_in_accept_explain_a_higher_count)
{
    bool good;
    NEED_KERNEL();
    ask_while(arena, sleep_in_accept, &good);
    CHECK(good);
}

// One sleeper explains one reference, not two.
TEST(sleepers_explain_no_more_than_they_are)
{
    uint64_t inode = 0;
    int pair[2];
    pthread_t thread;
    NEED_KERNEL();
    int fd = open_bound(SOCK_STREAM, 0, &inode);
    enum owner_bpf told = OWNER_BPF_REFUSED;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && send_descriptor(pair[0], fd));
    CHECK(listen(fd, 1) == 0 && pthread_create(&thread, NULL, sleep_in_poll, &fd) == 0);
    usleep(100000);
    struct host host = {0};
    told = ask_kernel(arena, fd, PROTOCOL_TCP, &host);
    shutdown(fd, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(pair[0]);
    close(pair[1]);
    close(fd);
    CHECK_INT(told, OWNER_BPF_OPEN);
    CHECK_INT(host.holdings.count, 1);
}

TEST(epoll_holds_no_reference_and_explains_none)
{
    uint64_t inode = 0;
    int pair[2];
    NEED_KERNEL();
    struct host host = {0};
    int fd = open_bound(SOCK_STREAM, 0, &inode);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
    CHECK_INT(ask_kernel(arena, fd, PROTOCOL_TCP, &host), OWNER_BPF_PROVED);
    // One more reference, in a place that no descriptor shows.
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK(send_descriptor(pair[0], fd));
    struct host more = {0};
    enum owner_bpf told = ask_kernel(arena, fd, PROTOCOL_TCP, &more);
    close(pair[0]);
    close(pair[1]);
    close(epoll);
    close(fd);
    CHECK_INT(told, OWNER_BPF_OPEN);
    CHECK_INT(more.holdings.count, 1);
}

TEST(more_holders_than_there_is_room_for_at_first_are_found)
{
    uint64_t inode = 0;
    NEED_KERNEL();
    struct host host = {0};
    int copies[3000];
    int fd = open_bound(SOCK_STREAM, 0, &inode);
    size_t made = 0;
    while (made < 3000 && (copies[made] = dup(fd)) >= 0)
        made++;
    enum owner_bpf told = ask_kernel(arena, fd, PROTOCOL_TCP, &host);
    for (size_t i = 0; i < made; i++)
        close(copies[i]);
    close(fd);
    CHECK(made > 0);
    CHECK_INT(told, OWNER_BPF_PROVED);
    CHECK_INT(host.holdings.count, made + 1);
}

TEST(holders_of_another_process_have_its_number)
{
    uint64_t inode = 0;
    int ready[2];
    char byte;
    NEED_KERNEL();
    struct host host = {0};
    CHECK(pipe(ready) == 0);
    int fd = open_bound(SOCK_STREAM, 0, &inode);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(write(ready[1], "", 1) != 1 || pause());
    }
    CHECK(pid > 0 && read(ready[0], &byte, 1) == 1);
    enum owner_bpf told = ask_kernel(arena, fd, PROTOCOL_TCP, &host);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(fd);
    close(ready[0]);
    close(ready[1]);
    CHECK_INT(told, OWNER_BPF_PROVED);
    CHECK_INT(host.holdings.count, 2);
    CHECK(host.holdings.items[0].pid == (uint32_t)pid || host.holdings.items[1].pid == (uint32_t)pid);
}

// One reference and two processes: a search that ends when all references are found must not miss the second one.
TEST(processes_that_share_one_table_are_both_found)
{
    uint64_t inode = 0;
    struct host host = {0};
    NEED_KERNEL();
    int fd = open_bound(SOCK_STREAM, 0, &inode);
    CHECK(fd >= 0);
    pid_t pid = (pid_t)syscall(SYS_clone, (unsigned long)CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0) {
        for (;;)
            pause();
    }
    CHECK(pid > 0);
    enum owner_bpf told = ask_kernel(arena, fd, PROTOCOL_TCP, &host);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(fd);
    CHECK_INT(told, OWNER_BPF_PROVED);
    CHECK_INT(host.holdings.count, 2);
    CHECK(host.holdings.items[0].pid == (uint32_t)pid || host.holdings.items[1].pid == (uint32_t)pid);
}

TEST(who_lacks_the_right_is_told_so)
{
    int result[2];
    char verdict = '-';
    if (getuid() != 0)
        SKIP("only root can give up rights");
    CHECK(pipe(result) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct str why_not = {0};
        verdict =
            setgid(65534) == 0 && setuid(65534) == 0 && !owner_kernel_try(arena, &why_not) && why_not.len ? 'g' : 'b';
        _exit(write(result[1], &verdict, 1) != 1);
    }
    CHECK(pid > 0 && read(result[0], &verdict, 1) == 1);
    waitpid(pid, NULL, 0);
    close(result[0]);
    close(result[1]);
    CHECK_INT(verdict, 'g');
}

// The row of the socket on this port in this state, and how it shares the port, as the kernel tells it.
static struct socket_row
flags_of(struct arena *arena, enum protocol protocol, uint16_t port, enum socket_state state)
{
    struct host host = {0};
    struct err err = {0};
    struct socket_query query = {.protocols = 1u << protocol, .states = SOCKET_STATES_ALL, .first = port, .last = port};
    CHECK(socket_table_read(arena, &query, &host, &err));
    struct owner_query owners = {.sockets = all_rows(arena, &host), .count = host.sockets.count};
    CHECK(socket_owner_find(arena, &owners, &host, &err));
    for (size_t i = 0; i < host.sockets.count; i++) {
        if (host.sockets.items[i].state == state)
            return host.sockets.items[i];
    }
    return (struct socket_row){.reuse_addr = TRI_UNKNOWN};
}

static uint16_t
port_of(int fd)
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    return ntohs(address.sin_port);
}

TEST(options_that_share_a_port_are_told)
{
    uint64_t inode = 0;
    NEED_KERNEL();
    static const struct {
        int type;
        int protocol;
        enum protocol name;
        enum socket_state state;
    } kinds[] = {{SOCK_STREAM, 0, PROTOCOL_TCP, SOCKET_LISTEN},
                 {SOCK_STREAM, 0, PROTOCOL_TCP, SOCKET_BOUND},
                 {SOCK_STREAM, IPPROTO_MPTCP, PROTOCOL_MPTCP, SOCKET_LISTEN},
                 // What is bound alone stands in the tables as its part does.
                 {SOCK_STREAM, IPPROTO_MPTCP, PROTOCOL_TCP, SOCKET_BOUND},
                 {SOCK_DGRAM, 0, PROTOCOL_UDP, SOCKET_UNCONN},
                 {SOCK_DGRAM, IPPROTO_UDPLITE, PROTOCOL_UDPLITE, SOCKET_UNCONN}};
    for (size_t i = 0; i < 4 * sizeof kinds / sizeof *kinds; i++) {
        int one = 1;
        int fd = open_bound(kinds[i / 4].type, kinds[i / 4].protocol, &inode);
        // Not every kernel has all of them.
        if (fd < 0 && kinds[i / 4].protocol)
            continue;
        if (i & 1)
            CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0);
        if (i & 2)
            CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) == 0);
        if (kinds[i / 4].state == SOCKET_LISTEN)
            CHECK(listen(fd, 1) == 0);
        struct socket_row row = flags_of(arena, kinds[i / 4].name, port_of(fd), kinds[i / 4].state);
        close(fd);
        // Before Linux 6.8 what is bound alone has no row.
        if (!row.inode && kinds[i / 4].state == SOCKET_BOUND)
            continue;
        CHECK_INT(row.reuse_addr, i & 1 ? TRI_YES : TRI_NO);
        CHECK_INT(row.reuse_port, i & 2 ? TRI_YES : TRI_NO);
    }
}

// A connection to the server that the server closes first: who does waits.
static void
leave_time_wait(int listener)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port_of(listener)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char byte;
    int client = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(client, (struct sockaddr *)&address, sizeof address) == 0);
    close(accept(listener, NULL, NULL));
    CHECK(read(client, &byte, 1) == 0);
    close(client);
}

TEST(closed_connections_keep_the_option)
{
    uint64_t inode = 0;
    NEED_KERNEL();
    for (int reuse = 0; reuse < 2; reuse++) {
        int listener = open_bound(SOCK_STREAM, 0, &inode);
        uint16_t port = port_of(listener);
        CHECK(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse) == 0 && listen(listener, 1) == 0);
        leave_time_wait(listener);
        close(listener);
        struct socket_row row = {0};
        for (int i = 0; i < 5000 && row.reuse_addr == TRI_UNKNOWN; i++) {
            row = flags_of(arena, PROTOCOL_TCP, port, SOCKET_TIME_WAIT);
            usleep(1000);
        }
        CHECK_INT(row.reuse_addr, reuse ? TRI_YES : TRI_NO);
    }
}

TEST(closed_connections_beside_a_server_need_not_be_asked_for)
{
    uint64_t inode = 0;
    NEED_KERNEL();
    int one = 1;
    int listener = open_bound(SOCK_STREAM, 0, &inode);
    uint16_t port = port_of(listener);
    CHECK(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 && listen(listener, 1) == 0);
    leave_time_wait(listener);
    enum tri told = TRI_UNKNOWN;
    for (int i = 0; i < 200 && told == TRI_UNKNOWN; i++) {
        struct host host = {0};
        struct err err = {0};
        struct socket_query query = {
            .protocols = 1u << PROTOCOL_TCP, .states = SOCKET_STATES_ALL, .first = port, .last = port};
        usleep(1000);
        CHECK(socket_table_read(arena, &query, &host, &err));
        size_t *sockets = arena_array(arena, host.sockets.count, sizeof *sockets);
        size_t count = 0;
        for (size_t k = 0; k < host.sockets.count; k++)
            if (host.sockets.items[k].inode == inode)
                sockets[count++] = k;
        struct owner_query owners = {.sockets = sockets, .count = count};
        CHECK(socket_owner_find(arena, &owners, &host, &err));
        for (size_t k = 0; k < host.sockets.count; k++)
            if (host.sockets.items[k].state == SOCKET_TIME_WAIT)
                told = host.sockets.items[k].reuse_addr;
    }
    close(listener);
    CHECK_INT(told, TRI_YES);
}

// Where the kernel refuses the call the walk answers, and says so.
static char
search_without_bpf(struct arena *arena, int fd, uint64_t inode)
{
    struct host host = {0};
    struct str why_not = {0};
    size_t index = 0;
    if (!refuse_call(SYS_bpf, EPERM))
        return 's';
    *LIST_ADD(arena, &host.sockets) = (struct socket_row){.state = SOCKET_LISTEN, .inode = inode};
    struct owner_query query = {.sockets = &index, .count = 1};
    if (owner_kernel_try(arena, &why_not) || !why_not.len || !socket_owner_find(arena, &query, &host, NULL))
        return 'a';
    if (host.tier == TIER_BPF || socket_owner_tier() == TIER_BPF)
        return 't';
    for (size_t i = 0; i < host.holdings.count; i++) {
        if (host.holdings.items[i].pid == (uint32_t)getpid() && host.holdings.items[i].fd == (uint64_t)fd)
            return 'g';
    }
    return 'h';
}

TEST(walk_answers_where_the_kernel_refuses)
{
    uint64_t inode = 0;
    int result[2];
    char verdict = '-';
    int fd = open_bound(SOCK_STREAM, 0, &inode);
    CHECK(pipe(result) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        verdict = search_without_bpf(arena, fd, inode);
        _exit(write(result[1], &verdict, 1) != 1);
    }
    CHECK(pid > 0 && read(result[0], &verdict, 1) == 1);
    waitpid(pid, NULL, 0);
    close(result[0]);
    close(result[1]);
    close(fd);
    if (verdict == 's')
        SKIP("calls can't be refused here");
    CHECK_INT(verdict, 'g');
}

TEST(layout_lies_within_the_structures)
{
    struct owner_layout layout;
    struct str why_not = {0};
    if (!owner_layout_read(arena, &layout, &why_not))
        SKIP(str_printf(arena, "%.*s", STR_ARG(why_not)).ptr);
    CHECK(layout.whole);
    CHECK(layout.at[FIELD_FILE_INODE] != layout.at[FIELD_FILE_OPERATIONS]);
    CHECK(layout.found[FIELD_FILE_REF] || layout.found[FIELD_FILE_COUNT]);
}

TEST(program_that_does_not_see_itself_is_not_asked)
{
    struct owner_layout layout;
    struct owner_session session;
    struct str unknown = {0};
    NEED_KERNEL();
    CHECK(owner_layout_read(arena, &layout, &unknown));
    bool good = owner_session_open(&layout, 1, 1, true, NULL, 0, &session);
    owner_session_close(&session);
    layout.at[FIELD_FILE_INODE] += 8;
    bool wrong = owner_session_open(&layout, 1, 1, true, NULL, 0, &session);
    owner_session_close(&session);
    CHECK(good);
    CHECK(!wrong);
}

// More ports than are looked up one by one; UDP-Lite is in no table that is walked.
TEST(sockets_of_many_ports_are_found_in_the_tables)
{
    enum {
        LISTENERS = 40,
        DATAGRAMS = 8,
        ALL = LISTENERS + DATAGRAMS + 1,
    };
    uint64_t inodes[ALL] = {0};
    int fds[ALL];
    NEED_KERNEL();
    for (size_t i = 0; i < ALL; i++) {
        bool listens = i < LISTENERS;
        fds[i] = open_bound(listens ? SOCK_STREAM : SOCK_DGRAM, i == ALL - 1 ? IPPROTO_UDPLITE : 0, &inodes[i]);
        CHECK(i == ALL - 1 || fds[i] >= 0);
        CHECK(!listens || listen(fds[i], 1) == 0);
    }
    struct host host = read_rows(arena, inodes, ALL);
    struct host walked = host;
    CHECK(host.sockets.count >= ALL - 1);
    CHECK_INT(ask_kernel_all(arena, &host), OWNER_BPF_PROVED);
    ask_walk_all(arena, &walked);
    CHECK(host.holdings.count >= ALL - 1);
    CHECK(str_equal(holders_of(arena, &host), holders_of(arena, &walked)));
    for (size_t i = 0; i < ALL; i++)
        close(fds[i]);
}

// What the program finds by the port alone, without a look at all descriptors.
TEST(sockets_of_every_protocol_are_found_by_their_port)
{
    static const struct {
        int type;
        int protocol;
        enum protocol name;
        bool listens;
    } kinds[] = {{SOCK_STREAM, 0, PROTOCOL_TCP, false},
                 {SOCK_STREAM, 0, PROTOCOL_TCP, true},
                 {SOCK_STREAM, IPPROTO_MPTCP, PROTOCOL_MPTCP, false},
                 {SOCK_STREAM, IPPROTO_MPTCP, PROTOCOL_MPTCP, true},
                 {SOCK_DGRAM, 0, PROTOCOL_UDP, false},
                 {SOCK_DGRAM, IPPROTO_UDPLITE, PROTOCOL_UDPLITE, false}};
    NEED_KERNEL();
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        uint64_t inode = 0;
        int fd = open_bound(kinds[i].type, kinds[i].protocol, &inode);
        if (fd < 0 && kinds[i].protocol)
            continue;
        CHECK(!kinds[i].listens || listen(fd, 1) == 0);
        struct owner_session *session = owner_kernel_open(arena, 16, 16, true);
        CHECK(session);
        owner_session_want_none(session);
        owner_session_want(session, inode);
        bool good = owner_session_run_port(session, kinds[i].name, port_of(fd), false);
        uint64_t count = session->state->count;
        uint64_t found = session->hits[0].inode;
        // The same number of another protocol has no socket.
        bool other = owner_session_run_port(session, kinds[i].type == SOCK_DGRAM ? PROTOCOL_TCP : PROTOCOL_UDP,
                                            port_of(fd), false) &&
                     session->state->count == 0;
        close(fd);
        CHECK(good && other);
        CHECK_INT(count, 1);
        CHECK_INT(found, inode);
    }
}

// What was opened after that run, and what it can't prove, is searched for as ever.
TEST(search_takes_over_what_was_looked_for_ahead)
{
    uint64_t inodes[3];
    NEED_KERNEL();
    int before = open_bound(SOCK_STREAM, 0, &inodes[0]);
    int datagrams = open_bound(SOCK_DGRAM, 0, &inodes[1]);
    CHECK(before >= 0 && listen(before, 1) == 0 && datagrams >= 0);
    int copy = dup(datagrams);
    owner_bpf_begin(arena);
    CHECK(owner_kernel_ahead());
    owner_bpf_begin(arena);
    CHECK(owner_kernel_layout(arena)); // waits for its end
    int later = open_bound(SOCK_STREAM, 0, &inodes[2]);
    CHECK(later >= 0 && listen(later, 1) == 0);
    struct host host = read_rows(arena, inodes, 3);
    enum owner_bpf outcome = ask_kernel_all(arena, &host);
    size_t holders[3] = {0};
    for (size_t i = 0; i < host.holdings.count; i++)
        for (size_t k = 0; k < 3; k++)
            holders[k] += host.sockets.items[host.holdings.items[i].socket].inode == inodes[k] &&
                          host.holdings.items[i].pid == (uint32_t)getpid();
    bool again = owner_kernel_ahead() != NULL;
    close(before);
    close(datagrams);
    close(copy);
    close(later);
    CHECK_INT(outcome, OWNER_BPF_PROVED);
    CHECK_INT(host.holdings.count, 4);
    CHECK_INT(holders[0], 1);
    CHECK_INT(holders[1], 2);
    CHECK_INT(holders[2], 1);
    CHECK(!again);
}

// The parts of a connection of MPTCP, and what its server has not accepted yet, share one bucket.
TEST(connections_of_mptcp_are_found_by_their_port)
{
    uint64_t inode = 0;
    struct stat facts;
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    NEED_KERNEL();
    int listener = open_bound(SOCK_STREAM, IPPROTO_MPTCP, &inode);
    if (listener < 0)
        SKIP("no MPTCP here");
    CHECK(listen(listener, 4) == 0 && getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    int client = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
    CHECK(connect(client, (struct sockaddr *)&address, size) == 0);
    int served = accept(listener, NULL, NULL);
    int waiting = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
    CHECK(connect(waiting, (struct sockaddr *)&address, size) == 0);
    CHECK(served >= 0 && fstat(served, &facts) == 0);
    uint64_t wanted[] = {inode, facts.st_ino};
    struct owner_session *session = owner_kernel_open(arena, 16, 16, true);
    CHECK(session);
    owner_session_want_none(session);
    for (size_t i = 0; i < 2; i++)
        owner_session_want(session, wanted[i]);
    bool good = owner_session_run_port(session, PROTOCOL_MPTCP, ntohs(address.sin_port), false);
    size_t found[2] = {0};
    for (size_t i = 0; i < session->state->count; i++)
        for (size_t k = 0; k < 2; k++)
            found[k] += session->hits[i].inode == wanted[k];
    close(listener);
    close(client);
    close(served);
    close(waiting);
    CHECK(good);
    CHECK_INT(found[0], 1);
    CHECK_INT(found[1], 1);
}

TAP_MAIN
