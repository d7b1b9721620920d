#ifndef MOORAGE_SYS_CLOCK_H
#define MOORAGE_SYS_CLOCK_H

// Time. The systems do not differ.

#include <stdint.h>

// Milliseconds since 1970 UTC.
int64_t
clock_wall_ms(void);

// Microseconds of a clock that only goes forward, for deadlines and measuring.
int64_t
clock_mono_us(void);

void
clock_sleep_ms(unsigned milliseconds);

#endif
