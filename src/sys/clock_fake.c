#include "sys/clock.h"

#include "sys/fake_host.h"

int64_t
clock_wall_ms(void)
{
    return fake_host()->time_ms + fake_host_elapsed_us() / 1000;
}

int64_t
clock_mono_us(void)
{
    return fake_host_elapsed_us();
}

void
clock_sleep_ms(unsigned milliseconds)
{
    fake_host_pass_us((int64_t)milliseconds * 1000);
}
