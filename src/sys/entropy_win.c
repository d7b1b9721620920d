#include "sys/entropy.h"

#include <assert.h>
#include <stdbool.h>

#include <windows.h>

#include <ntsecapi.h>

void
entropy_fill(void *bytes, size_t size)
{
    // RtlGenRandom, by the name that the library has it under; ntsecapi.h declares it.
    bool good = size <= ULONG_MAX && RtlGenRandom(bytes, (ULONG)size);
    assert(good);
}
