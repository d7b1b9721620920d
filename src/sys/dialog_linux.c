#include "sys/dialog.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/buf.h"

#define LINE_LIMIT 1024

static volatile sig_atomic_t interrupted;
static struct sigaction usual;
static bool held;

bool
dialog_is_possible(bool *on_output)
{
    bool output = isatty(STDOUT_FILENO) == 1;
    if (on_output)
        *on_output = output;
    return isatty(STDIN_FILENO) == 1 && (output || isatty(STDERR_FILENO) == 1);
}

bool
dialog_shows_progress(void)
{
    return isatty(STDERR_FILENO) == 1;
}

bool
dialog_read_line(struct arena *arena, struct str *out)
{
    struct buf line = {.arena = arena};
    char c;
    for (;;) {
        ssize_t got = read(STDIN_FILENO, &c, 1);
        if (got < 0 && errno == EINTR && !interrupted)
            continue;
        if (got <= 0)
            return false;
        if (c == '\n')
            break;
        if (line.len < LINE_LIMIT)
            buf_add_byte(&line, c);
    }
    *out = str_trim(buf_str(&line));
    return true;
}

// Only async-signal-safe calls (signal-safety(7)).
static void
on_interrupt(int number)
{
    (void)number;
    if (interrupted)
        _exit(130);
    interrupted = 1;
}

void
dialog_hold_interrupt(bool hold)
{
    if (hold == held)
        return;
    if (!hold) {
        held = false;
        sigaction(SIGINT, &usual, NULL);
        return;
    }
    // Started in the background by a shell without job control, Ctrl-C is ignored on purpose: leave it so. Without
    // SA_RESTART, so that waiting calls return.
    if (sigaction(SIGINT, NULL, &usual) != 0 || usual.sa_handler == SIG_IGN)
        return;
    struct sigaction flag = {.sa_handler = on_interrupt};
    sigemptyset(&flag.sa_mask);
    held = sigaction(SIGINT, &flag, NULL) == 0;
}

bool
dialog_interrupted(void)
{
    return interrupted != 0;
}
