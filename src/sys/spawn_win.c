#include "sys/spawn.h"

#include <windows.h>

#include "base/buf.h"
#include "sys/clock.h"
#include "sys/command_line_win.h"
#include "sys/fault_win.h"
#include "sys/wide_win.h"

#define CHUNK 16384
#define LOOK_MS 5 // an anonymous pipe can't be waited for

struct child {
    HANDLE job; // holds the program and all that it starts; closing it ends them
    HANDLE process;
    HANDLE out;
};

// A job whose end is the end of all in it.
static HANDLE
make_job(void)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {.BasicLimitInformation.LimitFlags =
                                                       JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE |
                                                       JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION};
    HANDLE job = CreateJobObjectW(NULL, NULL);
    if (job)
        SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);
    return job;
}

// The program, stopped before its first step; it inherits these handles and no other.
static DWORD
create_stopped(struct arena *arena, const wchar_t *program, wchar_t *line, HANDLE null, HANDLE out,
               PROCESS_INFORMATION *made)
{
    HANDLE inherited[] = {null, out};
    SIZE_T size = 0;
    DWORD code = 0;
    STARTUPINFOEXW startup = {.StartupInfo = {.cb = sizeof startup,
                                              .dwFlags = STARTF_USESTDHANDLES,
                                              .hStdInput = null,
                                              .hStdOutput = out,
                                              .hStdError = null}};
    InitializeProcThreadAttributeList(NULL, 1, 0, &size);
    startup.lpAttributeList = arena_alloc(arena, size);
    if (!InitializeProcThreadAttributeList(startup.lpAttributeList, 1, 0, &size))
        return GetLastError();
    if (!UpdateProcThreadAttribute(startup.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, inherited,
                                   sizeof inherited, NULL, NULL) ||
        !CreateProcessW(program, line, NULL, NULL, TRUE,
                        CREATE_SUSPENDED | CREATE_NO_WINDOW | EXTENDED_STARTUPINFO_PRESENT, NULL, NULL,
                        &startup.StartupInfo, made))
        code = GetLastError();
    DeleteProcThreadAttributeList(startup.lpAttributeList);
    return code;
}

static DWORD
start(struct arena *arena, const wchar_t *program, wchar_t *line, struct child *child)
{
    DWORD code = 0;
    SECURITY_ATTRIBUTES inherit = {.nLength = sizeof inherit, .bInheritHandle = TRUE};
    PROCESS_INFORMATION made = {0};
    HANDLE out = NULL;
    HANDLE null = CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherit,
                              OPEN_EXISTING, 0, NULL);
    if (null == INVALID_HANDLE_VALUE || !CreatePipe(&child->out, &out, &inherit, 0) ||
        !SetHandleInformation(child->out, HANDLE_FLAG_INHERIT, 0) || !(child->job = make_job())) {
        code = GetLastError();
        goto out;
    }
    code = create_stopped(arena, program, line, null, out, &made);
    if (code)
        goto out;
    child->process = made.hProcess;
    if (!AssignProcessToJobObject(child->job, made.hProcess) || ResumeThread(made.hThread) == (DWORD)-1) {
        code = GetLastError();
        TerminateProcess(made.hProcess, 1);
    }
    CloseHandle(made.hThread);
out:
    if (null != INVALID_HANDLE_VALUE)
        CloseHandle(null);
    if (out)
        CloseHandle(out);
    return code;
}

// Takes what is there to be read; false when there was nothing.
static bool
take(struct child *child, struct buf *bytes, size_t limit)
{
    char chunk[CHUNK];
    DWORD ready = 0;
    DWORD got = 0;
    // One byte more than allowed tells "exactly the limit" from "more".
    size_t want = limit + 1 - bytes->len < sizeof chunk ? limit + 1 - bytes->len : sizeof chunk;
    if (!PeekNamedPipe(child->out, NULL, 0, NULL, &ready, NULL) || ready == 0)
        return false;
    if (!ReadFile(child->out, chunk, ready < want ? ready : (DWORD)want, &got, NULL) || got == 0)
        return false;
    buf_add(bytes, (struct str){chunk, got});
    return true;
}

// Reads until the program has ended and what it printed is read. What others that it started still print is left.
static bool
listen_to(struct child *child, int64_t end_us, struct buf *bytes, size_t limit)
{
    while (bytes->len <= limit) {
        bool ended = WaitForSingleObject(child->process, 0) == WAIT_OBJECT_0;
        if (take(child, bytes, limit))
            continue;
        if (ended)
            return true;
        if (clock_mono_us() >= end_us)
            return false;
        WaitForSingleObject(child->process, LOOK_MS);
    }
    return true;
}

bool
spawn_read(struct arena *arena, const struct str *argv, size_t argc, unsigned deadline_ms, size_t limit,
           struct spawn_answer *out, struct err *err)
{
    int64_t end_us = clock_mono_us() + (int64_t)deadline_ms * 1000;
    struct child child = {0};
    struct buf line = {.arena = arena};
    struct buf bytes = {.arena = arena};
    bool good = false;
    DWORD exit_code = 0;
    for (size_t i = 0; i < argc; i++)
        command_line_add(&line, argv[i]);

    DWORD code = start(arena, wide_from(arena, argv[0]), wide_from(arena, buf_str(&line)), &child);
    if (code) {
        fault_set(err, code, "run %.*s", STR_ARG(argv[0]));
        if (err && code == ERROR_BAD_EXE_FORMAT)
            err->kind = ERR_UNSUPPORTED;
        goto out;
    }
    if (!listen_to(&child, end_us, &bytes, limit)) {
        err_set(err, ERR_TIMEOUT, 0, "run %.*s: it did not end within %u ms", STR_ARG(argv[0]), deadline_ms);
        goto out;
    }
    if (bytes.len > limit) {
        err_set(err, ERR_FORMAT, 0, "run %.*s: it prints more than %zu bytes", STR_ARG(argv[0]), limit);
        goto out;
    }
    GetExitCodeProcess(child.process, &exit_code);
    out->code = (int)exit_code;
    out->out = buf_str(&bytes);
    good = true;
out:
    // Ends what still runs.
    if (child.job)
        CloseHandle(child.job);
    if (child.process)
        CloseHandle(child.process);
    if (child.out)
        CloseHandle(child.out);
    return good;
}
