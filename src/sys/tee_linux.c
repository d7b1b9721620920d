#include "sys/tee_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "sys/term.h"

// A terminal that changes nothing of what is written to it.
static bool
open_terminal(struct tee *tee)
{
    struct termios mode;

    tee->in = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (tee->in < 0 || grantpt(tee->in) != 0 || unlockpt(tee->in) != 0)
        return false;
    tee->end = ioctl(tee->in, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (tee->end < 0)
        return false;
    if (tcgetattr(STDERR_FILENO, &mode) == 0) {
        mode.c_oflag &= ~(tcflag_t)OPOST;
        tcsetattr(tee->end, TCSANOW, &mode);
    }
    tee_resize(tee);
    return true;
}

static bool
open_pipe(struct tee *tee)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    tee->in = ends[0];
    tee->end = ends[1];
    return true;
}

bool
tee_open(struct tee *out)
{
    out->in = -1;
    out->end = -1;
    out->length = 0;
    if (isatty(STDERR_FILENO) ? open_terminal(out) : open_pipe(out))
        return fcntl(out->in, F_SETFL, O_NONBLOCK) == 0;
    int error = errno;
    tee_close(out);
    errno = error;
    return false;
}

void
tee_close(struct tee *tee)
{
    if (tee->in >= 0)
        close(tee->in);
    if (tee->end >= 0)
        close(tee->end);
    tee->in = -1;
    tee->end = -1;
}

static void
keep(struct tee *tee, const char *bytes, size_t count)
{
    size_t over = tee->length + count > sizeof tee->kept ? tee->length + count - sizeof tee->kept : 0;

    memmove(tee->kept, tee->kept + over, tee->length - over);
    memcpy(tee->kept + tee->length - over, bytes, count);
    tee->length += count - over;
}

bool
tee_pass(struct tee *tee)
{
    char bytes[16384];
    ssize_t got;

    while ((got = read(tee->in, bytes, sizeof bytes)) > 0) {
        (void)term_write_error((struct str){bytes, (size_t)got});
        keep(tee, bytes, (size_t)got);
    }
    // A terminal whose other end is closed says EIO.
    return got < 0 && (errno == EAGAIN || errno == EINTR);
}

void
tee_resize(const struct tee *tee)
{
    struct winsize size;

    if (tee->in >= 0 && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0)
        (void)ioctl(tee->in, TIOCSWINSZ, &size);
}
