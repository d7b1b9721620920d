// The real system: children of this process that do odd things, and folders that are traps.

#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "refuse_linux.h"
#include "sys/clock.h"
#include "sys/process.h"

#define COMMIT "0123456789abcdef0123456789abcdef01234567"

static struct process
read_all(struct arena *arena, pid_t pid)
{
    struct process process;
    process_read(arena, (uint32_t)pid, PROCESS_ALL, &process);
    return process;
}

// A child that runs `run` and then waits to be ended; it dies with this process.
static pid_t
child(void (*run)(const char *text), const char *text)
{
    char byte;
    int ready[2];
    CHECK(pipe2(ready, O_CLOEXEC) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (run)
            run(text);
        if (write(ready[1], "", 1) == 1)
            pause();
        _exit(0);
    }
    close(ready[1]);
    CHECK(read(ready[0], &byte, 1) == 1);
    close(ready[0]);
    return pid;
}

static void
end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static bool
has_arguments(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    FILE *file = fopen(path, "re");
    bool has = file && fgetc(file) != EOF;
    if (file)
        fclose(file);
    return has;
}

// A program started by exec with one argument, seen to run.
static pid_t
start(const char *path, const char *argument)
{
    char byte;
    int closed[2];
    CHECK(pipe2(closed, O_CLOEXEC) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl(path, "server", argument, (char *)NULL);
        _exit(1);
    }
    close(closed[1]);
    // The exec closes the other end, before it has put the arguments where they are read.
    CHECK(read(closed[0], &byte, 1) == 0);
    close(closed[0]);
    for (int i = 0; i < 60000 && !has_arguments(pid); i++)
        clock_sleep_ms(1);
    CHECK(has_arguments(pid));
    return pid;
}

static struct str
folder(struct arena *arena)
{
    char name[] = "/tmp/moorage-test-XXXXXX";
    CHECK(mkdtemp(name));
    return str_copy(arena, str_of(name));
}

static const char *
in(struct arena *arena, struct str folder, const char *name)
{
    return str_c(arena, str_printf(arena, "%.*s/%s", STR_ARG(folder), name));
}

static void
put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    CHECK(file);
    fputs(text, file);
    fclose(file);
}

static void
copy(const char *from, const char *to)
{
    static char bytes[1 << 20];
    int in_fd = open(from, O_RDONLY);
    int out_fd = open(to, O_WRONLY | O_CREAT | O_EXCL, 0755);
    CHECK(in_fd >= 0 && out_fd >= 0);
    ssize_t got;
    while ((got = read(in_fd, bytes, sizeof bytes)) > 0)
        CHECK(write(out_fd, bytes, (size_t)got) == got);
    close(in_fd);
    close(out_fd);
}

static void
go_to(const char *path)
{
    if (chdir(path) < 0)
        _exit(1);
}

TEST(own_process_is_known)
{
    struct process process = read_all(arena, getpid());
    CHECK_INT(process.known, KNOWN_YES);
    CHECK_INT(process.pid, process_self());
    CHECK_INT(process.ppid, getppid());
    CHECK_INT(process.pgid, getpgrp());
    CHECK_INT(process.sid, getsid(0));
    CHECK_INT(process.uid, geteuid());
    CHECK(process.uid_known && process.same_netns && process.netns && process.pidns);
    CHECK_INT(process.state, 'R');
    CHECK(!process.kernel_thread && !process.forked_no_exec);
    CHECK_INT(process.exe.known, KNOWN_YES);
    CHECK_INT(process.exe_state, EXE_PRESENT);
    CHECK(process.command.count >= 1);
    CHECK_INT(process.cgroup.known, KNOWN_YES);
    CHECK_INT(process.user.known, KNOWN_YES);
    CHECK(process.user.value.len > 0);
}

TEST(only_what_was_asked_is_read)
{
    struct process process;
    process_read(arena, process_self(), PROCESS_BASIC, &process);
    CHECK_INT(process.known, KNOWN_YES);
    CHECK_INT(process.command_known, KNOWN_NOT_ASKED);
    CHECK_INT(process.exe.known, KNOWN_NOT_ASKED);
    CHECK_INT(process.cwd.known, KNOWN_NOT_ASKED);
    CHECK_INT(process.git_root.known, KNOWN_NOT_ASKED);
    CHECK_INT(process.user.known, KNOWN_NOT_ASKED);
    CHECK_INT(process.cgroup.known, KNOWN_NOT_ASKED);
}

TEST(start_is_told_as_time_of_day)
{
    pid_t pid = child(NULL, NULL);
    int64_t now = clock_wall_ms();
    struct process process = read_all(arena, pid);
    end(pid);
    CHECK(process.started_known && process.started_ticks > 0);
    // The kernel tells the second in which the system started, no finer.
    CHECK(process.started_ms > now - 60000 && process.started_ms <= now + 1000);
}

TEST(process_that_is_not_there_is_gone)
{
    pid_t pid = child(NULL, NULL);
    end(pid);
    struct process process = read_all(arena, pid);
    CHECK_INT(process.known, KNOWN_GONE);
    CHECK_INT(process.pid, pid);
    CHECK_INT(process.name.len, 0);
    process_read(arena, 0, PROCESS_ALL, &process);
    CHECK_INT(process.known, KNOWN_GONE);
    process_read(arena, UINT32_MAX, PROCESS_ALL, &process);
    CHECK_INT(process.known, KNOWN_GONE);
}

static void
take_name(const char *name)
{
    prctl(PR_SET_NAME, name);
}

TEST(name_with_weird_bytes_is_kept)
{
    pid_t pid = child(take_name, ") R 1 1\n(\xff\033[");
    struct process process = read_all(arena, pid);
    end(pid);
    CHECK_INT(process.known, KNOWN_YES);
    CHECK_STR(process.name, ") R 1 1\n(\xff\033[");
    CHECK_INT(process.ppid, getpid());
    // It has told that it is ready, and may not sleep yet.
    CHECK(process.state == 'S' || process.state == 'R');
    CHECK(process.forked_no_exec);
}

TEST(arguments_are_split)
{
    pid_t pid = start("/bin/sleep", "1000");
    struct process process = read_all(arena, pid);
    end(pid);
    CHECK_INT(process.command.count, 2);
    CHECK_STR(process.command.items[0], "server");
    CHECK_STR(process.command.items[1], "1000");
    CHECK_STR(process.name, "sleep");
    CHECK(!process.forked_no_exec);
}

TEST(program_that_was_deleted_is_told)
{
    struct str place = folder(arena);
    const char *path = in(arena, place, "server");
    copy("/bin/sleep", path);
    pid_t pid = start(path, "1000");
    struct process before = read_all(arena, pid);
    unlink(path);
    struct process after = read_all(arena, pid);
    end(pid);
    rmdir(str_c(arena, place));
    CHECK_INT(before.exe_state, EXE_PRESENT);
    CHECK_STR(before.exe.value, path);
    CHECK_INT(after.exe_state, EXE_DELETED);
    CHECK_STR(after.exe.value, path);
}

TEST(program_that_was_replaced_is_told)
{
    struct str place = folder(arena);
    const char *path = in(arena, place, "server");
    const char *next = in(arena, place, "next");
    copy("/bin/sleep", path);
    pid_t pid = start(path, "1000");
    copy("/bin/sleep", next);
    CHECK(rename(next, path) == 0);
    struct process process = read_all(arena, pid);
    end(pid);
    unlink(path);
    rmdir(str_c(arena, place));
    CHECK_INT(process.exe_state, EXE_REPLACED);
    CHECK_STR(process.exe.value, path);
}

TEST(program_whose_name_ends_like_the_mark_is_present)
{
    struct str place = folder(arena);
    const char *path = in(arena, place, "server (deleted)");
    copy("/bin/sleep", path);
    pid_t pid = start(path, "1000");
    struct process process = read_all(arena, pid);
    end(pid);
    unlink(path);
    rmdir(str_c(arena, place));
    CHECK_INT(process.exe_state, EXE_PRESENT);
    CHECK_STR(process.exe.value, path);
}

TEST(stopped_job_and_zombie_are_told)
{
    pid_t pid = child(NULL, NULL);
    kill(pid, SIGSTOP);
    waitpid(pid, NULL, WUNTRACED);
    struct process stopped = read_all(arena, pid);
    kill(pid, SIGKILL);
    siginfo_t info;
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    struct process zombie = read_all(arena, pid);
    waitpid(pid, NULL, 0);
    CHECK_INT(stopped.state, 'T');
    CHECK_INT(zombie.known, KNOWN_YES);
    CHECK_INT(zombie.state, 'Z');
    CHECK_INT(zombie.exe.known, KNOWN_GONE);
    CHECK_INT(zombie.command_known, KNOWN_GONE);
    CHECK_INT(zombie.cwd.known, KNOWN_GONE);
    CHECK_INT(zombie.git_root.known, KNOWN_GONE);
}

TEST(kernel_thread_is_told)
{
    struct process process = read_all(arena, 2);
    if (process.known == KNOWN_GONE || !process.kernel_thread)
        SKIP("pid 2 is no kernel thread here (a container)");
    CHECK_INT(process.exe.known, KNOWN_UNSUPPORTED);
    CHECK_INT(process.command_known, KNOWN_UNSUPPORTED);
}

// The git facts of a process that runs in `path`.
static struct process
in_folder(struct arena *arena, const char *path)
{
    pid_t pid = child(go_to, path);
    struct process process;
    process_read(arena, (uint32_t)pid, PROCESS_CWD | PROCESS_GIT, &process);
    end(pid);
    return process;
}

static void
make_repository(struct arena *arena, struct str place, const char *head)
{
    CHECK(mkdir(in(arena, place, ".git"), 0755) == 0);
    if (head)
        put(in(arena, place, ".git/HEAD"), head);
}

static void
remove_tree(struct arena *arena, struct str place)
{
    static const char *const names[] = {".git/worktrees/fix/HEAD",
                                        ".git/worktrees/fix",
                                        ".git/worktrees",
                                        ".git/HEAD",
                                        ".git",
                                        "src/deep",
                                        "src",
                                        "fix/.git",
                                        "fix"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove(in(arena, place, names[i]));
    rmdir(str_c(arena, place));
}

TEST(branch_of_the_current_folder_is_read)
{
    struct str place = folder(arena);
    make_repository(arena, place, "ref: refs/heads/feature/ports\n");
    mkdir(in(arena, place, "src"), 0755);
    mkdir(in(arena, place, "src/deep"), 0755);
    struct process top = in_folder(arena, str_c(arena, place));
    struct process deep = in_folder(arena, in(arena, place, "src/deep"));
    remove_tree(arena, place);
    CHECK_STR(top.cwd.value, str_c(arena, place));
    CHECK_STR(top.git_root.value, str_c(arena, place));
    CHECK_STR(top.git_branch.value, "feature/ports");
    CHECK_STR(deep.cwd.value, in(arena, place, "src/deep"));
    CHECK_STR(deep.git_root.value, str_c(arena, place));
    CHECK_STR(deep.git_branch.value, "feature/ports");
}

static void *
live_on(void *unused)
{
    (void)unused;
    clock_sleep_ms(60000);
    _exit(0);
}

// A child in `path` whose first thread ends while another goes on.
static pid_t
child_without_first_thread(const char *path)
{
    pthread_t thread;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        go_to(path);
        if (pthread_create(&thread, NULL, live_on, NULL) != 0)
            _exit(1);
        syscall(SYS_exit, 0);
    }
    return pid;
}

TEST(process_whose_first_thread_ended_is_read_from_another)
{
    struct str place = folder(arena);
    make_repository(arena, place, "ref: refs/heads/main\n");
    struct process self = read_all(arena, getpid());
    pid_t pid = child_without_first_thread(str_c(arena, place));
    struct process process = {0};
    for (int i = 0; i < 4000 && process.state != 'Z'; i++) {
        clock_sleep_ms(5);
        process = read_all(arena, pid);
    }
    end(pid);
    remove_tree(arena, place);
    CHECK_INT(process.known, KNOWN_YES);
    CHECK_INT(process.state, 'Z');
    CHECK_INT(process.command_known, KNOWN_YES);
    CHECK_INT(process.command.count, self.command.count);
    CHECK_STR(process.command.items[0], str_c(arena, self.command.items[0]));
    CHECK_INT(process.exe.known, KNOWN_YES);
    CHECK_STR(process.exe.value, str_c(arena, self.exe.value));
    CHECK_INT(process.exe_state, EXE_PRESENT);
    CHECK_STR(process.cwd.value, str_c(arena, place));
    CHECK_STR(process.git_branch.value, "main");
    CHECK_INT(process.netns, self.netns);
    CHECK(process.same_netns);
    CHECK_STR(process.cgroup.value, str_c(arena, self.cgroup.value));
}

TEST(detached_head_gives_the_commit)
{
    struct str place = folder(arena);
    make_repository(arena, place, COMMIT "\n");
    struct process process = in_folder(arena, str_c(arena, place));
    remove_tree(arena, place);
    CHECK_STR(process.git_branch.value, "0123456789ab");
}

TEST(linked_work_tree_has_a_branch_of_its_own)
{
    struct str place = folder(arena);
    make_repository(arena, place, "ref: refs/heads/main\n");
    mkdir(in(arena, place, ".git/worktrees"), 0755);
    mkdir(in(arena, place, ".git/worktrees/fix"), 0755);
    mkdir(in(arena, place, "fix"), 0755);
    put(in(arena, place, ".git/worktrees/fix/HEAD"), "ref: refs/heads/fix\n");
    put(in(arena, place, "fix/.git"),
        str_c(arena, str_printf(arena, "gitdir: %.*s/.git/worktrees/fix\n", STR_ARG(place))));
    struct process absolute = in_folder(arena, in(arena, place, "fix"));
    put(in(arena, place, "fix/.git"), "gitdir: ../.git/worktrees/fix\n");
    struct process relative = in_folder(arena, in(arena, place, "fix"));
    put(in(arena, place, "fix/.git"), "gitdir: ../.git/worktrees/none\n");
    struct process lost = in_folder(arena, in(arena, place, "fix"));
    remove_tree(arena, place);
    CHECK_STR(absolute.git_root.value, in(arena, place, "fix"));
    CHECK_STR(absolute.git_branch.value, "fix");
    CHECK_STR(relative.git_branch.value, "fix");
    CHECK_STR(lost.git_root.value, in(arena, place, "fix"));
    CHECK_INT(lost.git_branch.known, KNOWN_GONE);
    CHECK_INT(lost.git_branch.value.len, 0);
}

TEST(fifo_as_head_is_not_waited_for_and_its_writer_not_woken)
{
    struct str place = folder(arena);
    make_repository(arena, place, NULL);
    CHECK(mkfifo(in(arena, place, ".git/HEAD"), 0600) == 0);
    pid_t writer = fork();
    if (writer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(open(in(arena, place, ".git/HEAD"), O_WRONLY) < 0);
    }
    clock_sleep_ms(50);
    int64_t before = clock_mono_us();
    struct process process = in_folder(arena, str_c(arena, place));
    int64_t spent = clock_mono_us() - before;
    clock_sleep_ms(50);
    bool waits = waitpid(writer, NULL, WNOHANG) == 0;
    if (waits)
        end(writer);
    remove_tree(arena, place);
    CHECK_STR(process.git_root.value, str_c(arena, place));
    CHECK_INT(process.git_branch.known, KNOWN_UNSUPPORTED);
    CHECK_INT(process.git_branch.value.len, 0);
    CHECK(spent < 60000000);
    CHECK(waits);
}

TEST(link_as_head_is_not_followed)
{
    struct str place = folder(arena);
    make_repository(arena, place, NULL);
    CHECK(symlink("/etc/passwd", in(arena, place, ".git/HEAD")) == 0);
    struct process process = in_folder(arena, str_c(arena, place));
    remove_tree(arena, place);
    CHECK(process.git_branch.known != KNOWN_YES);
    CHECK_INT(process.git_branch.value.len, 0);
}

TEST(head_that_is_too_large_or_strange_is_left_alone)
{
    struct str place = folder(arena);
    make_repository(arena, place, "root:x:0:0:root:/root:/bin/bash\n");
    struct process strange = in_folder(arena, str_c(arena, place));
    CHECK(truncate(in(arena, place, ".git/HEAD"), 1 << 30) == 0);
    struct process large = in_folder(arena, str_c(arena, place));
    remove_tree(arena, place);
    CHECK_INT(strange.git_branch.known, KNOWN_UNSUPPORTED);
    CHECK_INT(large.git_branch.known, KNOWN_UNSUPPORTED);
}

TEST(folder_without_a_repository_has_none)
{
    struct str place = folder(arena);
    struct stat facts;
    struct process process = in_folder(arena, str_c(arena, place));
    // An empty `.git` is no repository for git either.
    mkdir(in(arena, place, ".git"), 0755);
    struct process empty = in_folder(arena, str_c(arena, place));
    remove_tree(arena, place);
    if (stat("/tmp/.git", &facts) == 0 || stat("/.git", &facts) == 0)
        SKIP("/tmp lies in a git work tree here");
    CHECK_INT(process.git_root.known, KNOWN_YES);
    CHECK_INT(process.git_root.value.len, 0);
    CHECK_INT(process.git_branch.known, KNOWN_YES);
    CHECK_INT(empty.git_root.value.len, 0);
}

TEST(deleted_folder_is_told)
{
    struct str place = folder(arena);
    pid_t pid = child(go_to, str_c(arena, place));
    CHECK(rmdir(str_c(arena, place)) == 0);
    struct process process = read_all(arena, pid);
    end(pid);
    CHECK_INT(process.known, KNOWN_YES);
    CHECK_STR(process.cwd.value, str_c(arena, str_printf(arena, "%.*s (deleted)", STR_ARG(place))));
    CHECK_INT(process.git_root.known, KNOWN_GONE);
}

// Runs in a folder of a mount namespace of its own: tmpfs on it, or what stands for a foreign file system.
static void
mount_and_go(const char *path, const char *type)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", path, type, 0, NULL) < 0 || chdir(path) < 0)
        _exit(1);
}

static void
go_to_tmpfs(const char *path)
{
    mount_and_go(path, "tmpfs");
}

static void
go_to_proc(const char *path)
{
    mount_and_go(path, "proc");
}

TEST(search_for_a_repository_stops_at_its_mount)
{
    if (geteuid() != 0)
        SKIP("only root can mount");
    struct str place = folder(arena);
    make_repository(arena, place, "ref: refs/heads/outside\n");
    mkdir(in(arena, place, "src"), 0755);
    pid_t pid = child(go_to_tmpfs, in(arena, place, "src"));
    struct process process = read_all(arena, pid);
    end(pid);
    pid = child(go_to_proc, in(arena, place, "src"));
    struct process foreign = read_all(arena, pid);
    end(pid);
    remove_tree(arena, place);
    CHECK_INT(process.git_root.known, KNOWN_YES);
    CHECK_INT(process.git_root.value.len, 0);
    // Not among the file systems that are known to be local: not touched.
    CHECK_INT(foreign.git_root.known, KNOWN_UNSUPPORTED);
    CHECK_STR(foreign.cwd.value, in(arena, place, "src"));
    // It runs the same program from another mount namespace.
    CHECK_INT(process.exe_state, EXE_PRESENT);
}

static void
live_in_folder(const char *path)
{
    if (chroot(path) < 0 || chdir("/src") < 0)
        _exit(1);
}

TEST(repository_is_found_from_within_a_changed_root_only_where_its_mount_is_known)
{
    if (geteuid() != 0)
        SKIP("only root can change its root");
    struct str place = folder(arena);
    make_repository(arena, place, "ref: refs/heads/main\n");
    mkdir(in(arena, place, "src"), 0755);
    pid_t pid = child(live_in_folder, str_c(arena, place));
    struct process process = read_all(arena, pid);
    end(pid);
    remove_tree(arena, place);
    CHECK_INT(process.known, KNOWN_YES);
    CHECK_STR(process.cwd.value, in(arena, place, "src"));
    CHECK_INT(process.git_root.known, KNOWN_UNSUPPORTED);
}

// Ends with 0 when, from a changed root in the same mount namespace, the parent's program is not called deleted.
static int
look_out_of_changed_root(const char *place)
{
    int status = 1;
    char proc[PATH_MAX];
    snprintf(proc, sizeof proc, "%s/proc", place);
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mkdir(proc, 0755) < 0 ||
        mount("proc", proc, "proc", 0, NULL) < 0)
        return 77;
    pid_t pid = fork();
    if (pid == 0) {
        struct arena *arena = arena_open();
        if (chroot(place) < 0 || chdir("/") < 0)
            _exit(77);
        struct process process = read_all(arena, getppid());
        _exit(process.exe.known == KNOWN_YES && process.exe_state != EXE_DELETED ? 0 : 1);
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

TEST(program_outside_of_a_changed_root_is_not_called_deleted)
{
    int status = 1;
    if (geteuid() != 0)
        SKIP("only root can change its root");
    struct str place = folder(arena);
    const char *path = str_c(arena, place);
    pid_t pid = fork();
    if (pid == 0)
        _exit(look_out_of_changed_root(path));
    CHECK(waitpid(pid, &status, 0) == pid);
    rmdir(in(arena, place, "proc"));
    remove_tree(arena, place);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        SKIP("may not mount here");
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

// What a child may find out about this process, as a letter.
static char
ask_child(unsigned refused, bool as_nobody)
{
    char verdict = '-';
    int result[2];
    CHECK(pipe(result) == 0);
    pid_t parent = getpid();
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        struct arena *arena = arena_open();
        struct process process;
        if (as_nobody && (setgid(65534) < 0 || setuid(65534) < 0))
            _exit(1);
        if (refused && !refuse_call(refused, ENOSYS))
            _exit(1);
        process = read_all(arena, parent);
        verdict = process.known == KNOWN_YES && process.pid == (uint32_t)parent && process.name.len ? 'b' : 'x';
        if (verdict == 'b' && process.exe.known == KNOWN_YES && process.git_root.known == KNOWN_YES)
            verdict = 'a';
        else if (verdict == 'b' && process.exe.known == KNOWN_NOT_ALLOWED && process.cwd.known == KNOWN_NOT_ALLOWED &&
                 process.git_root.known == KNOWN_NOT_ALLOWED && process.netns == 0 && process.uid == 0)
            verdict = 'n';
        else if (verdict == 'b' && process.exe.known == KNOWN_YES && process.git_root.known == KNOWN_UNSUPPORTED)
            verdict = 'u';
        arena_close(arena);
        ssize_t put = write(result[1], &verdict, 1);
        _exit(put == 1 ? 0 : 1);
    }
    CHECK(read(result[0], &verdict, 1) == 1);
    waitpid(pid, NULL, 0);
    close(result[0]);
    close(result[1]);
    return verdict;
}

TEST(process_of_another_user_shows_what_anybody_may_see)
{
    if (geteuid() != 0)
        SKIP("only root can start a process of another user");
    CHECK_INT(ask_child(0, true), 'n');
}

TEST(old_kernel_without_pidfds_is_enough)
{
    CHECK_INT(ask_child(SYS_pidfd_open, false), 'a');
}

TEST(sandbox_without_signals_by_pidfd_is_enough)
{
    CHECK_INT(ask_child(SYS_pidfd_send_signal, false), 'a');
}

TEST(proc_of_another_pid_namespace_is_read_by_its_own_numbers)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        int status;
        if (unshare(CLONE_NEWPID) != 0)
            _exit(77);
        pid_t inner = fork();
        if (inner == 0) {
            // Here this is process 1, and /proc is still the one from outside.
            struct process process = read_all(arena, parent);
            struct process self = read_all(arena, (pid_t)process_self());
            _exit(getpid() == 1 && process.known == KNOWN_YES && self.known == KNOWN_YES && self.pid != 1 ? 0 : 1);
        }
        _exit(waitpid(inner, &status, 0) == inner && WIFEXITED(status) ? WEXITSTATUS(status) : 1);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        SKIP("a pid namespace of its own is not allowed here");
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
}

TEST(old_kernel_without_openat2_only_hides_the_branch)
{
    CHECK_INT(ask_child(SYS_openat2, false), 'u');
}

TEST(processes_that_end_while_they_are_read_are_gone)
{
    for (size_t i = 0; i < 200; i++) {
        struct arena *own = arena_open();
        struct process process;
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
            _exit(0);
        if (i % 2)
            waitpid(pid, NULL, WNOHANG);
        process_read(own, (uint32_t)pid, PROCESS_ALL, &process);
        waitpid(pid, NULL, 0);
        bool good = process.pid == (uint32_t)pid &&
                    (process.known == KNOWN_GONE || (process.known == KNOWN_YES && process.ppid == (uint32_t)getpid()));
        arena_close(own);
        CHECK(good);
    }
}

TAP_MAIN
