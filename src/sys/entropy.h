#ifndef MOORAGE_SYS_ENTROPY_H
#define MOORAGE_SYS_ENTROPY_H

// Bytes that nobody can guess, for tokens and for a start that differs from run to run.
// How the systems differ: getrandom(2); RtlGenRandom (advapi32's SystemFunction036).

#include <stddef.h>

// Fills all of it; a system that has none ends the program, as it can't be trusted with anything then.
void
entropy_fill(void *bytes, size_t size);

#endif
