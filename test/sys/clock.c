#include "tap.h"

#include <time.h>

#include "sys/clock.h"

TEST(wall_clock_is_the_time_of_day)
{
    int64_t before = (int64_t)time(NULL);
    int64_t now = clock_wall_ms();
    CHECK(now / 1000 >= before - 1 && now / 1000 <= before + 60);
}

TEST(sleep_takes_as_long_as_asked)
{
    int64_t before = clock_mono_us();
    clock_sleep_ms(20);
    int64_t spent = clock_mono_us() - before;
    CHECK(spent >= 20000);
    CHECK(spent < 20000000);
}

TEST(clock_goes_forward)
{
    int64_t last = clock_mono_us();
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_mono_us();
        CHECK(now >= last);
        last = now;
    }
}

TAP_MAIN
