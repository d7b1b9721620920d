#include "sys/entropy.h"

#include <stdint.h>

// The same numbers in each run (splitmix64).
void
entropy_fill(void *bytes, size_t size)
{
    static uint64_t state = 1;
    uint8_t *at = bytes;

    for (size_t i = 0; i < size; i++) {
        state += 0x9e3779b97f4a7c15;
        uint64_t mixed = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
        at[i] = (uint8_t)(mixed >> 56);
    }
}
