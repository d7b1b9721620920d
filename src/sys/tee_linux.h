#ifndef MOORAGE_SYS_TEE_LINUX_H
#define MOORAGE_SYS_TEE_LINUX_H

// Error output of another program on its way to ours: passed on unchanged, and its last part kept to be read. Where ours is a
// terminal, the program gets a terminal too (pty(7)), so that it prints as it would. Linux only.

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    TEE_KEPT = 1 << 18,
};

struct tee {
    int in;  // what the program wrote; -1 = closed
    int end; // what the program gets as its error output, until it is given away; -1
    size_t length;
    char kept[TEE_KEPT]; // the last bytes
};

// False with errno.
bool
tee_open(struct tee *out);

// Calm with a closed one.
void
tee_close(struct tee *tee);

// Passes on what is there now; false when no more will come.
bool
tee_pass(struct tee *tee);

// The window of our terminal has another size.
void
tee_resize(const struct tee *tee);

#endif
