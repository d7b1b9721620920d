#include "sys/supervise.h"

#include <windows.h>

#include <string.h>

#include "base/buf.h"
#include "sys/become.h"
#include "sys/clock.h"
#include "sys/fault_win.h"
#include "sys/life.h"
#include "sys/pinned.h"
#include "sys/program_win.h"
#include "sys/term.h"
#include "sys/wide_win.h"

enum {
    LIST_MOST = 4096,
    LOOK_MS = 20,
    AGAIN_MS = 1000,   // a Ctrl-C that comes sooner is the one that made the command end
    CLOSING_MS = 4500, // Windows ends a program 5 s after it told it that its console closes
    HEARD_MS = 4000,   // so long may then take who heard it as well
};

struct supervise {
    HANDLE job; // its end is the end of all in it
    HANDLE process;
    HANDLE parent; // who started us; NULL = its end is nothing to us
    DWORD pid;
    DWORD code;
    unsigned grace_ms;
    bool told_ending;
    bool ended;
    int64_t ending_us; // when all were asked, 0 = not yet
    struct supervise_end end;
};

// Set by the console's own thread: the console closes, or the user logs off.
static volatile LONG closing;
static volatile LONG interrupted;

// Ctrl-C is the command's own affair, which it reaches as well, until we wait for what is left.
static BOOL WINAPI
on_event(DWORD event)
{
    if (event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT) {
        InterlockedExchange(&interrupted, 1);
        return TRUE;
    }
    InterlockedExchange(&closing, 1);
    // What is in the job ends with us, when this returns at the latest.
    Sleep(CLOSING_MS);
    return FALSE;
}

bool
supervise_listen(struct address address, uint16_t port, intptr_t *out, struct err *err)
{
    (void)address;
    (void)port;
    *out = -1;
    return err_set(err, ERR_UNSUPPORTED, 0, "sockets can't be handed over on Windows yet: leave out --listen");
}

static HANDLE
make_job(void)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {.BasicLimitInformation.LimitFlags =
                                                       JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE};
    HANDLE job = CreateJobObjectW(NULL, NULL);

    if (job && !SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits)) {
        CloseHandle(job);
        return NULL;
    }
    return job;
}

// Stopped before its first step, so that it is in the job with all that it starts. The code of GetLastError(), 0 = it runs.
static DWORD
start(struct supervise *supervise, wchar_t *program, wchar_t *line)
{
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION made;
    DWORD code = 0;

    if (!CreateProcessW(program, line, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, NULL, &startup, &made))
        return GetLastError();
    if (!AssignProcessToJobObject(supervise->job, made.hProcess) || ResumeThread(made.hThread) == (DWORD)-1) {
        code = GetLastError();
        TerminateProcess(made.hProcess, 1);
        CloseHandle(made.hProcess);
    } else {
        supervise->process = made.hProcess;
        supervise->pid = made.dwProcessId;
    }
    CloseHandle(made.hThread);
    return code;
}

bool
supervise_start(struct arena *arena, const struct supervise_ask *ask, struct supervise **out, int *code,
                struct err *err)
{
    struct supervise *supervise = arena_alloc(arena, sizeof *supervise);
    wchar_t *program;
    wchar_t *line;

    int refused = *code;
    supervise->grace_ms = ask->grace_ms;
    if (ask->with_parent)
        supervise->parent = OpenProcess(SYNCHRONIZE, FALSE, life_parent());
    *code = BECOME_NOT_FOUND;
    if (!program_find(arena, ask->command->items, ask->command->count, &program, &line))
        return err_set(err, ERR_GONE, ERROR_FILE_NOT_FOUND, "run %.*s: there is no such program",
                       STR_ARG(ask->command->items[0]));
    supervise->job = make_job();
    if (!supervise->job) {
        *code = refused;
        return fault_set(err, GetLastError(), "make a job");
    }
    *code = BECOME_CANT_RUN;
    // The command inherits our environment as it is then.
    for (size_t i = 0; i < ask->variable_count; i++)
        SetEnvironmentVariableW(wide_from(arena, ask->variables[i].name), wide_from(arena, ask->variables[i].value));
    term_end();
    SetConsoleCtrlHandler(on_event, TRUE);
    DWORD failed = start(supervise, program, line);
    if (failed) {
        CloseHandle(supervise->job);
        return fault_set(err, failed, "run %.*s", STR_ARG(ask->command->items[0]));
    }
    *out = supervise;
    return true;
}

size_t
supervise_list(struct arena *arena, const struct supervise *supervise, uint32_t **pids)
{
    size_t size = sizeof(JOBOBJECT_BASIC_PROCESS_ID_LIST) + LIST_MOST * sizeof(ULONG_PTR);
    JOBOBJECT_BASIC_PROCESS_ID_LIST *list = arena_alloc(arena, size);

    *pids = arena_array(arena, LIST_MOST, sizeof **pids);
    if (!QueryInformationJobObject(supervise->job, JobObjectBasicProcessIdList, list, (DWORD)size, NULL) &&
        GetLastError() != ERROR_MORE_DATA)
        return 0;
    for (DWORD i = 0; i < list->NumberOfProcessIdsInList && i < LIST_MOST; i++)
        (*pids)[i] = (uint32_t)list->ProcessIdList[i];
    return list->NumberOfProcessIdsInList;
}

// Asks each to close its windows; no Ctrl-C is sent, which would reach everybody on this console.
static void
begin_end(struct supervise *supervise)
{
    struct arena *arena = arena_open();
    uint32_t *pids;
    size_t count = supervise_list(arena, supervise, &pids);
    bool any = false;

    for (size_t i = 0; i < count; i++) {
        struct pinned pin;
        BOOL ours = FALSE;
        if (!pinned_open(pids[i], false, &pin, NULL))
            continue;
        if (IsProcessInJob((HANDLE)pin.handle, supervise->job, &ours) && ours)
            any |= pinned_send(&pin, PINNED_END, NULL);
        pinned_close(&pin);
    }
    supervise->ending_us = clock_mono_us();
    // Nobody heard it, so there is nothing to wait for; but that a console closes is told to all in it.
    if (!any)
        supervise->grace_ms = closing ? HEARD_MS : 0;
    arena_close(arena);
}

static size_t
count_left(struct supervise *supervise)
{
    JOBOBJECT_BASIC_ACCOUNTING_INFORMATION facts;

    return QueryInformationJobObject(supervise->job, JobObjectBasicAccountingInformation, &facts, sizeof facts, NULL)
               ? facts.ActiveProcesses
               : 0;
}

static void
name_first(struct supervise *supervise)
{
    struct arena *arena = arena_open();
    wchar_t path[MAX_PATH];
    DWORD units = MAX_PATH;
    uint32_t *pids;

    if (supervise_list(arena, supervise, &pids) > 0) {
        HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pids[0]);
        if (process && QueryFullProcessImageNameW(process, 0, path, &units)) {
            struct str name = str_base_name(wide_to(arena, path, units));
            memcpy(supervise->end.first, name.ptr,
                   name.len < sizeof supervise->end.first - 1 ? name.len : sizeof supervise->end.first - 1);
        }
        if (process)
            CloseHandle(process);
    }
    arena_close(arena);
}

// Whether nothing is left.
static bool
is_over(struct supervise *supervise)
{
    bool ended = WaitForSingleObject(supervise->process, 0) == WAIT_OBJECT_0;

    bool orphan = supervise->parent && WaitForSingleObject(supervise->parent, 0) == WAIT_OBJECT_0;
    if ((closing || orphan) && supervise->ending_us == 0)
        begin_end(supervise);
    if (InterlockedExchange(&interrupted, 0) && supervise->ending_us &&
        clock_mono_us() - supervise->ending_us >= AGAIN_MS * INT64_C(1000))
        supervise->grace_ms = 0;
    if (!ended && supervise->ending_us == 0)
        return false;
    size_t left = count_left(supervise);
    if (left > 0 && supervise->ending_us == 0) {
        supervise->end.left = left;
        name_first(supervise);
        begin_end(supervise);
    }
    if (left > 0 && clock_mono_us() - supervise->ending_us >= supervise->grace_ms * INT64_C(1000)) {
        supervise->end.hard = left;
        TerminateJobObject(supervise->job, 1);
        WaitForSingleObject(supervise->process, INFINITE);
        left = 0;
    }
    if (left > 0)
        return false;
    GetExitCodeProcess(supervise->process, &supervise->code);
    supervise->end.code = (int)supervise->code;
    return true;
}

enum supervise_event
supervise_next(struct supervise *supervise, unsigned ms)
{
    int64_t end_us = clock_mono_us() + ms * INT64_C(1000);

    for (;;) {
        supervise->ended = supervise->ended || is_over(supervise);
        if (supervise->ended)
            return SUPERVISE_ENDED;
        if (supervise->ending_us && !supervise->told_ending) {
            supervise->told_ending = true;
            return SUPERVISE_ENDING;
        }
        int64_t left_ms = (end_us - clock_mono_us()) / 1000;
        if (left_ms <= 0)
            return SUPERVISE_TIME;
        WaitForSingleObject(supervise->process, left_ms < LOOK_MS ? (DWORD)left_ms : LOOK_MS);
        // One that has ended is ready at once, while others are waited for.
        if (supervise->ending_us)
            Sleep(LOOK_MS);
    }
}

uint32_t
supervise_pid(const struct supervise *supervise)
{
    return supervise->pid;
}

void
supervise_stop(struct supervise *supervise)
{
    if (supervise->ending_us == 0)
        begin_end(supervise);
}

void
supervise_result(const struct supervise *supervise, struct supervise_end *out)
{
    *out = supervise->end;
}

void
supervise_ready(void)
{
    // The service manager of Windows has no such word.
}

void
supervise_close(struct supervise *supervise)
{
    SetConsoleCtrlHandler(on_event, FALSE);
    if (supervise->parent)
        CloseHandle(supervise->parent);
    CloseHandle(supervise->process);
    CloseHandle(supervise->job);
}
