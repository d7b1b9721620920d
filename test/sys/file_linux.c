#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/file.h"

// A folder of this test alone; what is in it is removed by leave().
static const char *const names[] = {"plain", "link", "fifo", "folder", "lost"};

static const char *
in(struct arena *arena, struct str folder, const char *name)
{
    return str_c(arena, str_printf(arena, "%.*s/%s", STR_ARG(folder), name));
}

static struct str
enter(struct arena *arena)
{
    char name[] = "/tmp/moorage-test-XXXXXX";
    CHECK(mkdtemp(name));
    struct str folder = str_copy(arena, str_of(name));
    FILE *file = fopen(in(arena, folder, "plain"), "w");
    CHECK(file && fputs("twelve bytes", file) >= 0 && fclose(file) == 0);
    CHECK(symlink("plain", in(arena, folder, "link")) == 0);
    CHECK(mkfifo(in(arena, folder, "fifo"), 0600) == 0);
    CHECK(mkdir(in(arena, folder, "folder"), 0700) == 0);
    return folder;
}

static void
leave(struct arena *arena, struct str folder)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove(in(arena, folder, names[i]));
    CHECK(rmdir(str_c(arena, folder)) == 0);
}

TEST(file_is_read_up_to_its_limit)
{
    struct str folder = enter(arena);
    struct str text = {0};
    struct str exact = {0};
    struct str cut = {0};
    struct err err = {0};
    bool good = file_read(arena, in(arena, folder, "plain"), 4096, false, &text, NULL);
    bool fits = file_read(arena, in(arena, folder, "plain"), 12, false, &exact, NULL);
    bool large = file_read(arena, in(arena, folder, "plain"), 11, false, &cut, &err);
    leave(arena, folder);
    CHECK(good && fits && !large);
    CHECK_STR(text, "twelve bytes");
    CHECK_STR(exact, "twelve bytes");
    CHECK_INT(cut.len, 0);
    CHECK_INT(err.kind, ERR_FORMAT);
    CHECK(str_find(str_of(err.text), STR("larger than 11 bytes")) != SIZE_MAX);
}

TEST(files_of_proc_are_read_though_they_have_no_size)
{
    struct str text = {0};
    CHECK(file_read(arena, "/proc/self/stat", SIZE_MAX, false, &text, NULL));
    CHECK(text.len > 10);
}

TEST(link_is_followed_only_where_wanted)
{
    struct str folder = enter(arena);
    struct str text = {0};
    struct err err = {0};
    bool followed = file_read(arena, in(arena, folder, "link"), 4096, true, &text, NULL);
    bool refused = !file_read(arena, in(arena, folder, "link"), 4096, false, &text, &err);
    leave(arena, folder);
    CHECK(followed && refused);
    CHECK_INT(err.kind, ERR_FORMAT);
}

TEST(traps_are_refused_at_once)
{
    struct str folder = enter(arena);
    struct str text;
    struct err fifo = {0};
    struct err directory = {0};
    struct err device = {0};
    struct err lost = {0};
    int64_t before = clock_mono_us();
    bool any = file_read(arena, in(arena, folder, "fifo"), 4096, true, &text, &fifo) ||
               file_read(arena, in(arena, folder, "folder"), 4096, true, &text, &directory) ||
               file_read(arena, "/dev/zero", 4096, true, &text, &device) ||
               file_read(arena, in(arena, folder, "lost"), 4096, true, &text, &lost);
    int64_t spent = clock_mono_us() - before;
    leave(arena, folder);
    CHECK(!any);
    CHECK(spent < 5000000);
    CHECK_INT(fifo.kind, ERR_FORMAT);
    CHECK_INT(directory.kind, ERR_FORMAT);
    CHECK_INT(device.kind, ERR_FORMAT);
    CHECK_INT(lost.kind, ERR_GONE);
    CHECK(str_ends(str_of(lost.text), STR("No such file or directory")));
}

TEST(file_of_another_is_not_allowed)
{
    if (geteuid() != 0)
        SKIP("only root can become another user");
    struct str folder = enter(arena);
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        struct str text;
        struct err err = {0};
        if (setuid(65534) < 0)
            _exit(2);
        bool read = file_read(arena, "/etc/shadow", 4096, true, &text, &err);
        _exit(!read && err.kind == ERR_NOT_ALLOWED && err.os ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    leave(arena, folder);
    CHECK_INT(status, 0);
}

TEST(file_is_written_for_its_owner_alone)
{
    struct str folder = enter(arena);
    struct stat facts;
    struct str text = {0};
    struct err err = {0};
    CHECK(chmod(in(arena, folder, "plain"), 0644) == 0);
    bool good = file_write(arena, str_of(in(arena, folder, "plain")), STR("new"), &err) &&
                file_read(arena, in(arena, folder, "plain"), 4096, false, &text, &err) &&
                stat(in(arena, folder, "plain"), &facts) == 0;
    leave(arena, folder);
    CHECK(good);
    CHECK_STR(text, "new");
    CHECK_INT(facts.st_mode & 0777, 0600);
}

TEST(link_is_replaced_and_not_written_through)
{
    struct str folder = enter(arena);
    struct str old = {0};
    struct str new = {0};
    bool good = file_write(arena, str_of(in(arena, folder, "link")), STR("new"), NULL) &&
                file_read(arena, in(arena, folder, "plain"), 4096, false, &old, NULL) &&
                file_read(arena, in(arena, folder, "link"), 4096, false, &new, NULL);
    leave(arena, folder);
    CHECK(good);
    CHECK_STR(old, "twelve bytes");
    CHECK_STR(new, "new");
}

TEST(device_is_written_into_and_stays)
{
    struct stat facts;
    CHECK(file_write(arena, STR("/dev/null"), STR("gone"), NULL));
    CHECK(stat("/dev/null", &facts) == 0 && S_ISCHR(facts.st_mode));
}

TEST(what_can_not_be_written_is_said)
{
    struct str folder = enter(arena);
    struct err fifo = {0};
    struct err directory = {0};
    struct err lost = {0};
    struct err full = {0};
    bool any = file_write(arena, str_of(in(arena, folder, "fifo")), STR("x"), &fifo) ||
               file_write(arena, str_of(in(arena, folder, "folder")), STR("x"), &directory) ||
               file_write(arena, str_of(in(arena, folder, "lost/file")), STR("x"), &lost) ||
               file_write(arena, STR("/dev/full"), STR("x"), &full);
    leave(arena, folder);
    CHECK(!any);
    CHECK_INT(fifo.kind, ERR_SYSTEM);
    CHECK_INT(directory.kind, ERR_SYSTEM);
    CHECK_INT(lost.kind, ERR_GONE);
    CHECK_INT(full.kind, ERR_SYSTEM);
}

// Runs `body` in a child whose standard input and output are pipes; gives what it wrote, having read `input`.
static struct str
with_pipes(struct arena *arena, const char *input, bool (*body)(struct arena *arena))
{
    char text[256];
    int in_pipe[2];
    int out_pipe[2];
    CHECK(pipe(in_pipe) == 0 && pipe(out_pipe) == 0);
    CHECK(write(in_pipe[1], input, strlen(input)) == (ssize_t)strlen(input));
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        dup2(in_pipe[0], STDIN_FILENO);
        dup2(out_pipe[1], STDOUT_FILENO);
        close(in_pipe[1]);
        _exit(body(arena) ? 0 : 1);
    }
    close(in_pipe[0]);
    close(in_pipe[1]);
    close(out_pipe[1]);
    ssize_t got = read(out_pipe[0], text, sizeof text);
    waitpid(pid, NULL, 0);
    close(out_pipe[0]);
    return got > 0 ? str_copy(arena, (struct str){text, (size_t)got}) : (struct str){0};
}

static bool
copy_input(struct arena *arena)
{
    struct str text;
    return file_read_input(arena, 10, &text, NULL) && file_write(arena, STR("-"), text, NULL);
}

TEST(input_is_read_to_its_limit_and_written_to_output)
{
    CHECK_STR(with_pipes(arena, "short", copy_input), "short");
    CHECK_STR(with_pipes(arena, "longer than allowed", copy_input), "longer tha");
}

static bool
fail_both(struct arena *arena)
{
    struct str text;
    struct err in_err = {0};
    struct err out_err = {0};
    int out = dup(STDOUT_FILENO);
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    bool any = file_read_input(arena, 10, &text, &in_err) || file_write(arena, STR("-"), STR("x"), &out_err);
    const char *verdict = !any && in_err.kind == ERR_SYSTEM && out_err.kind == ERR_SYSTEM ? "good" : "bad";
    return write(out, verdict, strlen(verdict)) > 0;
}

TEST(input_and_output_that_are_closed_are_said)
{
    CHECK_STR(with_pipes(arena, "", fail_both), "good");
}

TAP_MAIN
