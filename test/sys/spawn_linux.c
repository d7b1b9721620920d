#include "tap.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/spawn.h"

static bool
shell(struct arena *arena, const char *script, unsigned deadline_ms, size_t limit, struct spawn_answer *out,
      struct err *err)
{
    struct str argv[] = {STR("/bin/sh"), STR("-c"), str_of(script)};
    return spawn_read(arena, argv, 3, deadline_ms, limit, out, err);
}

TEST(what_it_prints_and_its_exit_code_come_back)
{
    struct spawn_answer answer = {0};
    struct err err = {0};
    CHECK(shell(arena, "printf 'a\\nb'; echo lost >&2; exit 7", 60000, 100, &answer, &err));
    CHECK_STR(answer.out, "a\nb");
    CHECK_INT(answer.code, 7);
    CHECK(shell(arena, "kill -9 $$", 60000, 100, &answer, &err));
    CHECK_INT(answer.code, 128 + SIGKILL);
    CHECK_INT(answer.out.len, 0);
}

TEST(words_arrive_as_they_are)
{
    struct spawn_answer answer = {0};
    struct str argv[] = {STR("/bin/sh"),  STR("-c"),     STR("printf '<%s>' \"$@\""), STR("sh"), STR("a b"), STR(""),
                         STR("\"q\" \\"), STR("$HOME *")};
    CHECK(spawn_read(arena, argv, sizeof argv / sizeof *argv, 60000, 100, &answer, NULL));
    CHECK_STR(answer.out, "<a b><><\"q\" \\><$HOME *>");
}

TEST(its_input_is_empty)
{
    struct spawn_answer answer = {0};
    CHECK(shell(arena, "cat; echo end", 60000, 100, &answer, NULL));
    CHECK_STR(answer.out, "end\n");
}

TEST(a_lot_is_read_up_to_the_limit)
{
    struct spawn_answer answer = {0};
    struct err err = {0};
    CHECK(shell(arena, "head -c 300000 /dev/zero", 60000, 300000, &answer, &err));
    CHECK_INT(answer.out.len, 300000);
    CHECK(!shell(arena, "head -c 300001 /dev/zero", 60000, 300000, &answer, &err));
    CHECK_INT(err.kind, ERR_FORMAT);
    CHECK(!shell(arena, "yes", 60000, 1000, &answer, &err));
    CHECK_INT(err.kind, ERR_FORMAT);
}

TEST(deadline_ends_it_and_what_it_started)
{
    struct spawn_answer answer = {0};
    struct err err = {0};
    char name[] = "/tmp/moorage-spawn-XXXXXX";
    int fd = mkstemp(name);
    CHECK(fd >= 0);
    const char *script = str_c(arena, str_printf(arena, "sleep 100 & echo $! >%s; wait", name));
    char text[32] = "";
    bool ran = false;
    bool told = false;
    bool in_time = true;
    // A busy machine may need longer than the first deadline to get that far.
    for (unsigned ms = 300; ms <= 30000 && !told && !ran; ms *= 10) {
        int64_t before = clock_mono_us();
        ran = shell(arena, script, ms, 100, &answer, &err);
        int64_t spent_ms = (clock_mono_us() - before) / 1000;
        in_time = in_time && spent_ms >= ms && spent_ms < ms + 20000;
        told = read(fd, text, sizeof text - 1) > 0;
    }
    close(fd);
    unlink(name);
    CHECK(!ran);
    CHECK_INT(err.kind, ERR_TIMEOUT);
    CHECK(in_time);
    CHECK(told);
    uint64_t pid = 0;
    CHECK(str_to_u64(str_trim(str_of(text)), 10, &pid));
    // Killed; whoever adopted it may not have waited for it yet.
    bool gone = false;
    for (int i = 0; i < 2000 && !gone; i++) {
        char state = 0;
        FILE *stat_file = fopen(str_c(arena, str_printf(arena, "/proc/%u/stat", (unsigned)pid)), "r");
        gone = !stat_file || (fscanf(stat_file, "%*d %*s %c", &state) == 1 && state == 'Z');
        if (stat_file)
            fclose(stat_file);
        usleep(10000);
    }
    CHECK(gone);
}

TEST(who_closes_its_output_is_still_waited_for)
{
    struct spawn_answer answer = {0};
    CHECK(shell(arena, "echo x; exec >&-; sleep 0.2; exit 3", 60000, 100, &answer, NULL));
    CHECK_STR(answer.out, "x\n");
    CHECK_INT(answer.code, 3);
}

TEST(who_leaves_its_output_to_others_does_not_hold_us_up)
{
    struct spawn_answer answer = {0};
    int64_t before = clock_mono_us();
    CHECK(shell(arena, "sleep 100 & echo x; exit 4", 60000, 100, &answer, NULL));
    CHECK(clock_mono_us() - before < 30000000);
    CHECK_STR(answer.out, "x\n");
    CHECK_INT(answer.code, 4);
}

TEST(what_can_not_be_run_is_said)
{
    struct spawn_answer answer = {0};
    struct err err = {0};
    struct str gone = STR("/no/such/program");
    struct str folder = STR("/tmp");
    CHECK(!spawn_read(arena, &gone, 1, 60000, 100, &answer, &err));
    CHECK_INT(err.kind, ERR_GONE);
    CHECK_STR(str_of(err.text), "run /no/such/program: No such file or directory");
    CHECK(!spawn_read(arena, &folder, 1, 60000, 100, &answer, &err));
    CHECK_INT(err.kind, ERR_NOT_ALLOWED);
    char name[] = "/tmp/moorage-spawn-XXXXXX";
    int fd = mkstemp(name);
    CHECK(fd >= 0 && write(fd, "\0\1", 2) == 2 && fchmod(fd, 0700) == 0 && close(fd) == 0);
    struct str no_program = str_of(name);
    bool ran = spawn_read(arena, &no_program, 1, 60000, 100, &answer, &err);
    unlink(name);
    CHECK(!ran);
    CHECK_INT(err.kind, ERR_UNSUPPORTED);
}

TAP_MAIN
