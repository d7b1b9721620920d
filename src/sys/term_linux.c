#include "sys/term.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char restore_screen[] = "\033[0m\033[?25h\n";

// Only async-signal-safe calls (signal-safety(7)).
static void
on_interrupt(int number)
{
    (void)number;
    if (isatty(STDOUT_FILENO)) {
        ssize_t put = write(STDOUT_FILENO, restore_screen, sizeof restore_screen - 1);
        (void)put;
    }
    _exit(130);
}

// What was done at these signals before us.
static struct {
    bool taken;
    struct sigaction pipe;
    struct sigaction interrupt;
} before;

// What is opened next would take the number of a standard stream that came closed (`moorage >&-`), and the answer would be
// written to it, whatever it is. A descriptor that can neither be read nor written keeps the number; a program that is
// started finds it closed as before.
static void
keep_closed_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/", O_PATH | O_CLOEXEC) < 0)
            return;
}

void
term_begin(void)
{
    keep_closed_streams();
    // A closed pipe shows as a failed write, so that `moorage | head` ends quietly and with our own exit code.
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    before.taken = sigaction(SIGINT, NULL, &before.interrupt) == 0 && sigaction(SIGPIPE, &ignore, &before.pipe) == 0;

    // Started in the background by a shell without job control, Ctrl-C is ignored on purpose: leave it so.
    if (before.taken && before.interrupt.sa_handler == SIG_IGN)
        return;
    struct sigaction interrupt = {.sa_handler = on_interrupt};
    sigemptyset(&interrupt.sa_mask);
    sigaction(SIGINT, &interrupt, NULL);
}

void
term_end(void)
{
    if (!before.taken)
        return;
    sigaction(SIGPIPE, &before.pipe, NULL);
    sigaction(SIGINT, &before.interrupt, NULL);
}

bool
term_output_is_terminal(void)
{
    return isatty(STDOUT_FILENO) == 1;
}

bool
term_error_is_terminal(void)
{
    return isatty(STDERR_FILENO) == 1;
}

bool
term_input_is_terminal(void)
{
    return isatty(STDIN_FILENO) == 1;
}

bool
term_is_own_console(void)
{
    return false;
}

// A size from the environment; 0 if it is missing or nonsense.
static size_t
size_from(const char *variable)
{
    uint64_t value = 0;
    if (!str_to_u64(term_environment(variable, NULL), 10, &value) || value > 10000)
        return 0;
    return (size_t)value;
}

size_t
term_width(void)
{
    size_t wished = size_from("COLUMNS");
    struct winsize size = {0};
    if (wished)
        return wished;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

size_t
term_height(void)
{
    size_t wished = size_from("LINES");
    struct winsize size = {0};
    if (wished)
        return wished;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row ? size.ws_row : 24;
}

bool
term_wants_colour(void)
{
    return term_output_is_terminal() && !str_equal(term_environment("TERM", NULL), STR("dumb")) &&
           term_environment("NO_COLOR", NULL).len == 0;
}

static bool
write_all(int fd, struct str text)
{
    while (text.len) {
        ssize_t put = write(fd, text.ptr, text.len);
        if (put >= 0) {
            text = str_part(text, (size_t)put, SIZE_MAX);
        } else if (errno == EAGAIN) {
            // The other end of the pipe may have made it non-blocking for all who share it.
            struct pollfd ready = {.fd = fd, .events = POLLOUT};
            poll(&ready, 1, -1);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

bool
term_write(struct str text, struct err *err)
{
    if (write_all(STDOUT_FILENO, text))
        return true;
    int code = errno;
    return err_set(err, code == EPIPE ? ERR_GONE : ERR_SYSTEM, (unsigned long)code, "write the answer: %s",
                   strerror(code));
}

bool
term_write_error(struct str text)
{
    return write_all(STDERR_FILENO, text);
}

struct str
term_environment(const char *name, bool *present)
{
    const char *value = getenv(name);
    if (present)
        *present = value != NULL;
    return str_of(value);
}
