#include "sys/clock.h"

#include <windows.h>

// Between 1601, where FILETIME begins, and 1970, in steps of 100 ns.
#define EPOCH_1970 116444736000000000

int64_t
clock_wall_ms(void)
{
    FILETIME now;
    GetSystemTimePreciseAsFileTime(&now);
    int64_t ticks = (int64_t)((uint64_t)now.dwHighDateTime << 32 | now.dwLowDateTime);
    return (ticks - EPOCH_1970) / 10000;
}

int64_t
clock_mono_us(void)
{
    LARGE_INTEGER frequency;
    LARGE_INTEGER count;
    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&count);
    int64_t seconds = count.QuadPart / frequency.QuadPart;
    int64_t rest = count.QuadPart % frequency.QuadPart;
    return seconds * 1000000 + rest * 1000000 / frequency.QuadPart;
}

void
clock_sleep_ms(unsigned milliseconds)
{
    // Sleep() may come back up to one tick of the clock early.
    int64_t end = clock_mono_us() + (int64_t)milliseconds * 1000;
    Sleep(milliseconds);
    while (clock_mono_us() < end)
        Sleep(1);
}
