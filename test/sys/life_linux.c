#include "sys/life.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

enum {
    NOBODY = 65534,
    GOOD = 42, // exit code of a child that saw what it should
};

// A child that waits to be ended, also by the end of this program.
static pid_t
start(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    CHECK(pid > 0);
    return pid;
}

static void
end(pid_t pid)
{
    kill(pid, SIGKILL);
    CHECK(waitpid(pid, NULL, 0) == pid);
}

// Ended, and not yet taken notice of by its parent.
static void
make_zombie(pid_t pid)
{
    siginfo_t info;

    kill(pid, SIGKILL);
    CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
}

TEST(a_process_lasts_until_it_ends)
{
    struct life life;
    struct err err = {0};
    pid_t pid = start();

    CHECK(life_of((uint32_t)pid, &life, &err));
    CHECK_INT(life.pid, pid);
    CHECK(life.started > 0 && life.space > 0);
    CHECK_INT(life_lasts(&life), TRI_YES);
    end(pid);
    CHECK_INT(life_lasts(&life), TRI_NO);
    CHECK(!life_of((uint32_t)pid, &life, &err));
    CHECK_INT(err.kind, ERR_GONE);
    CHECK(str_find(str_of(err.text), str_printf(arena, "there is no process %d", pid)) != SIZE_MAX);
}

TEST(a_zombie_has_ended)
{
    struct life life;
    struct life again;
    pid_t pid = start();

    CHECK(life_of((uint32_t)pid, &life, NULL));
    make_zombie(pid);
    CHECK_INT(life_lasts(&life), TRI_NO);
    CHECK(!life_of((uint32_t)pid, &again, NULL));
    end(pid);
}

static void *
linger(void *unused)
{
    for (;;)
        pause();
    return unused;
}

// The first thread ends, the process goes on: the kernel shows that one as a zombie.
TEST(a_process_whose_first_thread_has_ended_still_lives)
{
    struct life life;
    pid_t pid = fork();

    if (pid == 0) {
        pthread_t thread;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (pthread_create(&thread, NULL, linger, NULL) == 0)
            pthread_exit(NULL);
        _exit(1);
    }
    CHECK(pid > 0);
    CHECK(life_of((uint32_t)pid, &life, NULL));
    for (int i = 0; i < 100; i++) {
        usleep(2000);
        CHECK_INT(life_lasts(&life), TRI_YES);
    }
    end(pid);
}

TEST(the_same_number_with_another_start_is_somebody_else)
{
    struct life life;

    CHECK(life_of((uint32_t)getpid(), &life, NULL));
    life.started++;
    CHECK_INT(life_lasts(&life), TRI_NO);
    // Of one whose start was not known the number has to do.
    life.started = 0;
    CHECK_INT(life_lasts(&life), TRI_YES);
}

TEST(another_pid_namespace_can_not_be_told)
{
    struct life life;

    CHECK(life_of((uint32_t)getpid(), &life, NULL));
    life.space++;
    CHECK_INT(life_lasts(&life), TRI_UNKNOWN);
    // Nor does it become a death when nobody has the number here.
    life.pid = INT32_MAX;
    CHECK_INT(life_lasts(&life), TRI_UNKNOWN);
    life.space = 0;
    CHECK_INT(life_lasts(&life), TRI_NO);
}

TEST(what_is_no_pid_has_no_life)
{
    static const uint32_t pids[] = {0, (uint32_t)INT32_MAX + 1, UINT32_MAX};
    struct life life;

    // As numbers for kill(2) these would be groups of processes, or everybody.
    for (size_t i = 0; i < sizeof pids / sizeof *pids; i++) {
        CHECK(!life_of(pids[i], &life, NULL));
        CHECK_INT(life_lasts(&(struct life){.pid = pids[i]}), TRI_NO);
    }
}

// In a child: a view of /proc in which the processes of others are hidden, as another user.
static int
look_where_others_are_hidden(pid_t of)
{
    struct life life;

    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("proc", "/proc", "proc", 0, "hidepid=2") != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
        return 0;
    // That it is there is known from the kernel alone: not its start, so not that it is the same one.
    bool unknown = life_of((uint32_t)of, &life, NULL) && life.started == 0 && life_lasts(&life) == TRI_UNKNOWN;
    return unknown ? GOOD : 1;
}

TEST(a_process_that_is_hidden_is_not_taken_for_dead)
{
    int status = 0;
    pid_t other = start();
    pid_t pid = fork();

    if (pid == 0)
        _exit(look_where_others_are_hidden(other));
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    end(other);
    if (status == 0)
        SKIP("needs root");
    CHECK_INT(WEXITSTATUS(status), GOOD);
}

TEST(the_boot_has_a_name_and_this_program_a_parent)
{
    struct str boot = life_boot(arena);

    CHECK_INT(boot.len, 36);
    CHECK_STR(life_boot(arena), str_c(arena, boot));
    CHECK_INT(life_parent(), getppid());
}

TAP_MAIN
