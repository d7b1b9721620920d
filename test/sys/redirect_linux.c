#include "sys/redirect.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netfilter.h"
#include "tap.h"

static int
compare_lines(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

// The lines in an order that does not depend on how a set is hashed.
static struct str
sorted(struct arena *arena, struct str text)
{
    struct str_list lines = {.count = 0};
    struct buf out = {.arena = arena};
    struct str line;
    while (str_cut(&text, '\n', &line))
        *LIST_ADD(arena, &lines) = line;
    qsort(lines.items, lines.count, sizeof *lines.items, compare_lines);
    for (size_t i = 0; i < lines.count; i++) {
        buf_add(&out, lines.items[i]);
        buf_add_byte(&out, '\n');
    }
    return buf_str(&out);
}

// What a child in a network namespace of its own reads after it ran `command`; "skip" where such a child can't be.
static struct str
read_after(struct arena *arena, const char *command)
{
    int out[2];
    struct buf text = {.arena = arena};
    fflush(stdout);
    CHECK(pipe(out) == 0);
    pid_t child = fork();
    if (child == 0) {
        struct host host = {.uid = 0};
        struct err err = {.kind = ERR_NONE};
        struct str lines = STR("skip");
        if (unshare(CLONE_NEWNET) == 0 && system(command) == 0) {
            bool good = redirect_read(arena, &host, &err);
            lines = good && host.redirects_known == KNOWN_YES
                        ? netfilter_lines(arena, host.redirects.items, host.redirects.count)
                        : str_printf(arena, "known %d: %s", (int)host.redirects_known, err.text);
        }
        _exit(write(out[1], lines.ptr, lines.len) != (ssize_t)lines.len);
    }
    close(out[1]);
    for (ssize_t got = 1; got > 0; text.len += (size_t)got)
        got = read(out[0], buf_room(&text, 4096), 4096);
    close(out[0]);
    waitpid(child, NULL, 0);
    return buf_str(&text);
}

TEST(rules_of_nft_are_found)
{
    struct str lines = read_after(arena, "nft -f " NETFILTER "rules.nft 2>/dev/null");
    if (str_equal(lines, STR("skip")))
        SKIP("no right to make packet rules, or no nft");
    CHECK_STR(sorted(arena, lines), sorted(arena, netfilter_file(arena, "nftables.txt")).ptr);
}

TEST(rules_of_iptables_nft_are_found)
{
    struct str lines = read_after(arena, "sh " NETFILTER "iptables.sh nft 2>/dev/null");
    if (str_equal(lines, STR("skip")))
        SKIP("no right to make packet rules, or no iptables-nft");
    CHECK_STR(sorted(arena, lines), sorted(arena, netfilter_file(arena, "iptables_nft.txt")).ptr);
}

TEST(rules_of_legacy_iptables_are_found)
{
    struct str lines = read_after(arena, "sh " NETFILTER "iptables.sh legacy 2>/dev/null");
    if (str_equal(lines, STR("skip")))
        SKIP("no right to make packet rules, or no legacy iptables");
    struct str v4 = netfilter_file(arena, "iptables_ipv4.txt");
    struct str v6 = netfilter_file(arena, "iptables_ipv6.txt");
    CHECK_STR(lines, str_printf(arena, "%.*s%.*s", STR_ARG(v4), STR_ARG(v6)).ptr);
}

TEST(without_rules_nothing_is_found)
{
    struct str lines = read_after(arena, "true");
    if (str_equal(lines, STR("skip")))
        SKIP("no right to make a network namespace");
    CHECK_STR(lines, "");
}

// In a namespace of its own: whether a table `nat` of legacy iptables is there after a reading.
TEST(reading_makes_no_table)
{
    fflush(stdout);
    pid_t child = fork();
    int status = 0;
    if (child == 0) {
        struct host host = {.uid = 0};
        if (unshare(CLONE_NEWNET) != 0)
            _exit(2);
        redirect_read(arena, &host, NULL);
        char text[256];
        int fd = open("/proc/thread-self/net/ip_tables_names", O_RDONLY);
        _exit(fd >= 0 && read(fd, text, sizeof text) > 0);
    }
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status));
    if (WEXITSTATUS(status) == 2)
        SKIP("no right to make a network namespace");
    CHECK_INT(WEXITSTATUS(status), 0);
}

TEST(without_the_right_it_says_so)
{
    fflush(stdout);
    pid_t child = fork();
    int status = 0;
    if (child == 0) {
        struct host host = {.uid = 0};
        if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
            _exit(2);
        bool good = redirect_read(arena, &host, NULL);
        _exit(!(good && host.redirects_known == KNOWN_NOT_ALLOWED && host.redirects.count == 0));
    }
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status));
    if (WEXITSTATUS(status) == 2)
        SKIP("only root can try it as another user");
    CHECK_INT(WEXITSTATUS(status), 0);
}

TAP_MAIN
