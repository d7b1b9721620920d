#include "sys/lease_book.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/pick.h"
#include "decode/lease_record.h"
#include "own_network_linux.h"
#include "sys/clock.h"
#include "tap.h"

// The sanitizers make it five times as slow and look for other things; the other builds do it in full.
#if defined(__SANITIZE_ADDRESS__)
#define TAKES 100
#else
#define TAKES 1000
#endif

enum {
    TAKERS = 64,
};

// A folder of its own for each test, in which all state of this program and its children stands.
static const char *
own_state(void)
{
    static char path[64];
    (void)snprintf(path, sizeof path, "/tmp/moorage-test.XXXXXX");
    CHECK(mkdtemp(path) != NULL);
    setenv("MOORAGE_STATE_DIR", path, 1);
    return path;
}

static void
remove_state(const char *path)
{
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", path);
    CHECK(system(command) == 0);
}

static struct lease_book *
open_book(struct arena *arena, const char *path)
{
    struct lease_book *book;
    struct err err = {0};
    if (!lease_book_open(arena, str_of(path), LEASE_BOOK_PRIVATE, &book, &err))
        printf("# %s\n", err.text);
    CHECK(err.kind == ERR_NONE);
    return book;
}

static struct lease_entry_list
list_book(struct arena *arena, struct lease_book *book)
{
    struct lease_entry_list list = {0};
    CHECK(lease_book_list(arena, book, &list, NULL));
    return list;
}

TEST(an_entry_is_written_read_renamed_and_removed)
{
    const char *path = own_state();
    struct lease_book *book = open_book(arena, path);
    struct str bytes;
    CHECK(lease_book_lock(book, 1000, NULL));
    CHECK(lease_book_is_writable(book));
    CHECK(lease_book_write(book, STR("a"), STR("one"), false, NULL));
    CHECK(lease_book_write(book, STR("a"), STR("two"), true, NULL));
    CHECK(lease_book_rename(book, STR(""), STR("fence-1"), NULL));
    CHECK(lease_book_rename(book, STR("fence-1"), STR("fence-2"), NULL));
    struct lease_entry_list list = list_book(arena, book);
    CHECK_INT(list.count, 2);
    for (size_t i = 0; i < list.count; i++) {
        CHECK(list.items[i].own);
        CHECK_INT(list.items[i].owner, geteuid());
        CHECK_STR(list.items[i].folder, lease_book_own_folder(book).ptr);
        CHECK(lease_book_read(arena, book, &list.items[i], &bytes, NULL));
        CHECK_STR(bytes, str_equal(list.items[i].name, STR("a")) ? "two" : "");
        CHECK(lease_book_remove(book, &list.items[i], NULL));
        CHECK(lease_book_remove(book, &list.items[i], NULL));
    }
    CHECK_INT(list_book(arena, book).count, 0);
    lease_book_close(book);
    remove_state(path);
}

// What each child reports, in memory that all share.
struct report {
    volatile int ports[TAKERS][TAKES]; // 0: no port; negative: how it failed
    volatile int bind_failures;
    volatile long long worst_us;
    volatile char owned[LEASE_PORTS]; // a port is somebody's between its grant and its release
    volatile int doubles;
};

static int
listen_on(uint16_t port)
{
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 all = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (fd >= 0 && (bind(fd, (struct sockaddr *)&all, sizeof all) < 0 || listen(fd, 1) < 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool
drop(struct arena *arena, const struct lease *lease)
{
    bool good = false;
    struct err err = {.kind = ERR_TIMEOUT};

    for (int tries = 0; tries < 6 && !good && err.kind == ERR_TIMEOUT; tries++) {
        struct lease_set *set = NULL;
        err = (struct err){.kind = ERR_NONE};
        good = lease_open(arena, LEASE_WRITE, &set, &err) && lease_release(set, lease, &err);
        lease_close(set);
    }
    return good;
}

// On a machine that is slow or busy, 64 processes may not all have their turn in the time that one waits for the lock: then
// it is asked again.
static bool
take(struct arena *arena, struct pick_result *result)
{
    struct pick_wish wish = {.lease = {.protocol = PROTOCOL_TCP, .ttl_ms = 600000}};
    enum pick_outcome outcome;
    struct host host;
    struct err err = {.kind = ERR_TIMEOUT};

    for (int tries = 0; tries < 6 && err.kind == ERR_TIMEOUT; tries++) {
        err = (struct err){.kind = ERR_NONE};
        if (!pick_read_host(arena, &host, &err))
            return false;
        if (pick_ports(arena, &host, &wish, &outcome, result, &err))
            return outcome == PICK_DONE;
    }
    return false;
}

// One process that takes a port, uses it and gives it back, again and again.
static void
take_many(struct report *report, int number)
{
    for (int i = 0; i < TAKES; i++) {
        struct arena *arena = arena_open();
        struct pick_result result;
        int64_t start = clock_mono_us();
        if (!take(arena, &result)) {
            report->ports[number][i] = -1;
            arena_close(arena);
            continue;
        }
        int64_t waited = clock_mono_us() - start;
        uint16_t port = result.leases.items[0].port;
        report->ports[number][i] = port;
        if (__atomic_exchange_n(&report->owned[port], 1, __ATOMIC_SEQ_CST))
            __atomic_add_fetch(&report->doubles, 1, __ATOMIC_SEQ_CST);
        for (long long worst = report->worst_us; waited > worst; worst = report->worst_us)
            if (__sync_bool_compare_and_swap(&report->worst_us, worst, waited))
                break;
        int fd = listen_on(port);
        if (fd < 0)
            __atomic_add_fetch(&report->bind_failures, 1, __ATOMIC_SEQ_CST);
        else
            close(fd);
        __atomic_store_n(&report->owned[port], 0, __ATOMIC_SEQ_CST);
        if (!drop(arena, &result.leases.items[0]))
            report->ports[number][i] = -2;
        arena_close(arena);
    }
}

TEST(64_processes_take_ports_at_once_and_never_the_same)
{
    const char *path = own_state();
    // Where nobody else takes ports.
    (void)own_network();
    struct report *report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pids[TAKERS];
    int64_t start = clock_mono_us();
    CHECK(report != MAP_FAILED);
    for (int i = 0; i < TAKERS; i++) {
        pids[i] = fork();
        CHECK(pids[i] >= 0);
        if (pids[i] == 0) {
            take_many(report, i);
            _exit(0);
        }
    }
    for (int i = 0; i < TAKERS; i++) {
        int status;
        CHECK(waitpid(pids[i], &status, 0) == pids[i] && status == 0);
    }
    printf("# %d takes in %lld ms, worst wait %lld ms\n", TAKERS * TAKES, (long long)(clock_mono_us() - start) / 1000,
           report->worst_us / 1000);
    for (int i = 0; i < TAKERS; i++)
        for (int k = 0; k < TAKES; k++)
            CHECK(report->ports[i][k] > 0);
    CHECK_INT(report->doubles, 0);
    CHECK_INT(report->bind_failures, 0);
    CHECK(report->worst_us < 60000000);
    munmap(report, sizeof *report);
    remove_state(path);
}

TAP_MAIN
