#include "sys/worker_win.h"

#include "tap.h"

#include <windows.h>

static void
count(void *data)
{
    InterlockedIncrement(data);
}

static void
wait_for(void *data)
{
    WaitForSingleObject(data, INFINITE);
}

TEST(what_ends_in_time_is_waited_for)
{
    LONG counted = 0;
    void *worker = worker_start(count, &counted);
    CHECK(worker);
    CHECK(worker_wait(worker, 60000));
    CHECK_INT(counted, 1);
}

TEST(what_hangs_is_left_behind)
{
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    void *worker = worker_start(wait_for, event);
    CHECK(worker);
    CHECK(!worker_wait(worker, 50));
    worker_leave(worker);
    SetEvent(event);
}

TAP_MAIN
