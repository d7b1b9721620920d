#include "sys/worker_win.h"

#include <windows.h>

#include "base/arena.h"

struct job {
    struct arena *arena; // that it lies in
    void (*run)(void *data);
    void *data;
};

static DWORD WINAPI
enter(void *parameter)
{
    struct job *job = parameter;

    job->run(job->data);
    arena_close(job->arena);
    return 0;
}

void *
worker_start(void (*run)(void *data), void *data)
{
    struct arena *arena = arena_open();
    struct job *job = arena_alloc(arena, sizeof *job);

    *job = (struct job){arena, run, data};
    HANDLE thread = CreateThread(NULL, 0, enter, job, 0, NULL);
    if (!thread)
        arena_close(arena);
    return thread;
}

bool
worker_wait(void *worker, unsigned milliseconds)
{
    if (WaitForSingleObject(worker, milliseconds) != WAIT_OBJECT_0)
        return false;
    CloseHandle(worker);
    return true;
}

void
worker_leave(void *worker)
{
    CloseHandle(worker);
}
