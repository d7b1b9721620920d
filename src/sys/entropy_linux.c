#include "sys/entropy.h"

#include <assert.h>
#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

void
entropy_fill(void *bytes, size_t size)
{
    char *at = bytes;

    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        assert(got >= 0 || errno == EINTR);
        if (got < 0)
            continue;
        at += got;
        size -= (size_t)got;
    }
}
