// Terminals are pseudo terminals here (pty(7)).

#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/term.h"

// Runs `body` in a child whose standard streams are `fd`; gives how it ended.
static int
run_on(int fd, void (*body)(void))
{
    int status = 0;
    fflush(stdout);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        dup2(fd, STDIN_FILENO);
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        unsetenv("COLUMNS");
        unsetenv("LINES");
        unsetenv("NO_COLOR");
        setenv("TERM", "xterm", 1);
        body();
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return status;
}

static int
open_terminal(int *other)
{
    struct winsize size = {.ws_col = 132, .ws_row = 43};
    int fd = posix_openpt(O_RDWR | O_NOCTTY);
    if (fd < 0)
        SKIP("no pseudo terminals here");
    CHECK(grantpt(fd) == 0 && unlockpt(fd) == 0);
    *other = open(ptsname(fd), O_RDWR | O_NOCTTY);
    CHECK(*other >= 0 && ioctl(*other, TIOCSWINSZ, &size) == 0);
    return fd;
}

static void
on_terminal(void)
{
    bool good = term_output_is_terminal() && term_input_is_terminal() && term_wants_colour() && term_width() == 132 &&
                term_height() == 43;
    setenv("COLUMNS", "99", 1);
    setenv("LINES", "12", 1);
    good = good && term_width() == 99 && term_height() == 12;
    setenv("COLUMNS", "0", 1);
    setenv("LINES", "many", 1);
    good = good && term_width() == 132 && term_height() == 43;
    setenv("NO_COLOR", "", 1);
    good = good && term_wants_colour();
    setenv("NO_COLOR", "1", 1);
    good = good && !term_wants_colour();
    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
    good = good && !term_wants_colour();
    _exit(good ? 0 : 1);
}

TEST(terminal_is_known_as_one)
{
    int other;
    int fd = open_terminal(&other);
    int status = run_on(other, on_terminal);
    close(fd);
    close(other);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
on_pipe(void)
{
    bool good = !term_output_is_terminal() && !term_input_is_terminal() && !term_wants_colour() && term_width() == 80 &&
                term_height() == 24;
    _exit(good ? 0 : 1);
}

TEST(pipe_is_no_terminal)
{
    int fds[2];
    CHECK(pipe(fds) == 0);
    int status = run_on(fds[1], on_pipe);
    close(fds[0]);
    close(fds[1]);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
press_interrupt(void)
{
    term_begin();
    raise(SIGINT);
}

TEST(interrupt_ends_with_130_and_a_clean_screen)
{
    char text[64];
    int other;
    int fd = open_terminal(&other);
    int status = run_on(other, press_interrupt);
    ssize_t got = read(fd, text, sizeof text);
    close(fd);
    close(other);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 130);
    CHECK(got > 0 && str_starts((struct str){text, (size_t)got}, STR("\033[0m\033[?25h")));
}

static void
press_ignored_interrupt(void)
{
    signal(SIGINT, SIG_IGN);
    press_interrupt();
    _exit(7);
}

TEST(interrupt_that_was_ignored_stays_ignored)
{
    int fds[2];
    CHECK(pipe(fds) == 0);
    int status = run_on(fds[1], press_ignored_interrupt);
    close(fds[0]);
    close(fds[1]);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void
write_to_nobody(void)
{
    term_begin();
    _exit(term_write(STR("x"), NULL) || term_write_error(STR("x")) ? 1 : 0);
}

TEST(reader_that_is_gone_is_a_failed_write)
{
    int fds[2];
    CHECK(pipe(fds) == 0);
    close(fds[0]);
    int status = run_on(fds[1], write_to_nobody);
    close(fds[1]);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static char large[300000];

static void
write_much(void)
{
    fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK);
    _exit(term_write((struct str){large, sizeof large}, NULL) ? 0 : 1);
}

TEST(slow_reader_gets_everything)
{
    static char chunk[4096];
    int fds[2];
    size_t total = 0;
    int status = 0;
    ssize_t got;
    CHECK(pipe(fds) == 0);
    fflush(stdout);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        write_much();
    }
    close(fds[1]);
    while ((got = read(fds[0], chunk, sizeof chunk)) > 0)
        total += (size_t)got;
    close(fds[0]);
    waitpid(pid, &status, 0);
    CHECK_INT(total, sizeof large);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(environment_tells_empty_from_missing)
{
    bool present = false;
    setenv("MOORAGE_TEST", "", 1);
    CHECK_STR(term_environment("MOORAGE_TEST", &present), "");
    CHECK(present);
    unsetenv("MOORAGE_TEST");
    CHECK_STR(term_environment("MOORAGE_TEST", &present), "");
    CHECK(!present);
    CHECK_INT(term_environment("MOORAGE_TEST", NULL).len, 0);
}

TAP_MAIN
