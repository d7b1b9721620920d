#include "sys/elevate.h"

#include <windows.h>

#include <shellapi.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "sys/command_line_win.h"
#include "sys/fault_win.h"
#include "sys/late_win.h"
#include "sys/wide_win.h"

// The first word of the second program: "--elevated-by=PID" and a letter for each stream that is no console there.
#define MARK "--elevated-by="
#define CHUNK 16384
#define PATH_UNITS 32768

typedef BOOL(WINAPI *execute_function)(SHELLEXECUTEINFOW *);

// A standard stream of the first program that is no console: what the second one writes comes through here.
struct relay {
    DWORD stream;
    char letter;
    HANDLE pipe;
    HANDLE thread;
    HANDLE process; // the second program
};

static const struct {
    DWORD stream;
    char letter;
} outputs[] = {{STD_OUTPUT_HANDLE, 'o'}, {STD_ERROR_HANDLE, 'e'}};

#define OUTPUTS (sizeof outputs / sizeof *outputs)

static wchar_t *
pipe_name(struct arena *arena, DWORD pid, char letter)
{
    return wide_from(arena, str_printf(arena, "\\\\.\\pipe\\moorage-elevate-%lu-%c", pid, letter));
}

static bool
is_console(DWORD stream)
{
    DWORD mode;
    return GetConsoleMode(GetStdHandle(stream), &mode) != 0;
}

// ---- the second program ----

// Whoever serves the pipe learns nothing of these rights, and can't act with them.
static HANDLE
open_stream(const wchar_t *name, DWORD access)
{
    return CreateFileW(name, access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
                       SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS, NULL);
}

static void
connect_streams(DWORD pid, struct str piped)
{
    struct arena *arena = arena_open();
    FreeConsole();
    bool attached = AttachConsole(pid);
    for (size_t i = 0; i < OUTPUTS; i++) {
        bool by_pipe = str_find_byte(piped, outputs[i].letter) != SIZE_MAX;
        HANDLE handle = by_pipe    ? open_stream(pipe_name(arena, pid, outputs[i].letter), GENERIC_WRITE)
                        : attached ? open_stream(L"CONOUT$", GENERIC_READ | GENERIC_WRITE)
                                   : INVALID_HANDLE_VALUE;
        SetStdHandle(outputs[i].stream, handle);
    }
    SetStdHandle(STD_INPUT_HANDLE,
                 attached ? open_stream(L"CONIN$", GENERIC_READ | GENERIC_WRITE) : open_stream(L"NUL", GENERIC_READ));
    arena_close(arena);
}

void
elevate_begin(int *argc, char **argv)
{
    uint64_t pid;
    struct str word = *argc > 1 ? str_of(argv[1]) : STR("");
    struct str number;
    if (!str_starts(word, STR(MARK)))
        return;
    word = str_part(word, sizeof MARK - 1, SIZE_MAX);
    if (!str_cut(&word, ':', &number) || !str_to_u64(number, 10, &pid) || pid > UINT32_MAX)
        return;
    connect_streams((DWORD)pid, word);
    for (int i = 1; i + 1 < *argc; i++)
        argv[i] = argv[i + 1];
    argv[--*argc] = NULL;
}

// ---- the first program ----

// Waits for a call that was begun, but not beyond the end of the second program: what that wrote last is there by then.
static bool
finish(struct relay *relay, OVERLAPPED *call, DWORD *bytes)
{
    HANDLE either[] = {call->hEvent, relay->process};
    if (WaitForMultipleObjects(2, either, FALSE, INFINITE) != WAIT_OBJECT_0)
        CancelIoEx(relay->pipe, call);
    return GetOverlappedResult(relay->pipe, call, bytes, TRUE);
}

static bool
wait_for_writer(struct relay *relay, OVERLAPPED *call)
{
    DWORD none;
    if (ConnectNamedPipe(relay->pipe, call))
        return true;
    DWORD code = GetLastError();
    // It came before, or came and went.
    return code == ERROR_PIPE_CONNECTED || code == ERROR_NO_DATA ||
           (code == ERROR_IO_PENDING && finish(relay, call, &none));
}

static DWORD WINAPI
copy_stream(void *argument)
{
    struct relay *relay = argument;
    char chunk[CHUNK];
    DWORD put;
    OVERLAPPED call = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
    bool more = call.hEvent && wait_for_writer(relay, &call);
    while (more) {
        DWORD got = 0;
        ResetEvent(call.hEvent);
        more = (ReadFile(relay->pipe, chunk, sizeof chunk, NULL, &call) || GetLastError() == ERROR_IO_PENDING) &&
               finish(relay, &call, &got) && got > 0;
        // A reader that has gone takes nothing more, and the rest must still be let through.
        if (more)
            WriteFile(GetStdHandle(relay->stream), chunk, got, &put, NULL);
    }
    if (call.hEvent)
        CloseHandle(call.hEvent);
    return 0;
}

// A pipe for each output that is no console. Only the first to make one has it, and only this user may open it.
static DWORD
make_relays(struct arena *arena, struct relay relays[OUTPUTS], size_t *count)
{
    for (size_t i = 0; i < OUTPUTS; i++) {
        struct relay relay = {.stream = outputs[i].stream, .letter = outputs[i].letter};
        if (is_console(relay.stream))
            continue;
        relay.pipe = CreateNamedPipeW(pipe_name(arena, GetCurrentProcessId(), relay.letter),
                                      PIPE_ACCESS_INBOUND | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
                                      PIPE_TYPE_BYTE | PIPE_REJECT_REMOTE_CLIENTS, 1, CHUNK, CHUNK, 0, NULL);
        if (relay.pipe == INVALID_HANDLE_VALUE)
            return GetLastError();
        relays[(*count)++] = relay;
    }
    return 0;
}

static struct str
second_line(struct arena *arena, int argc, char **argv, const struct relay *relays, size_t count)
{
    struct buf line = {.arena = arena};
    buf_addf(&line, MARK "%lu:", GetCurrentProcessId());
    for (size_t i = 0; i < count; i++)
        buf_add_byte(&line, relays[i].letter);
    for (int i = 1; i < argc; i++)
        command_line_add(&line, str_of(argv[i]));
    return buf_str(&line);
}

static DWORD
run_elevated(struct arena *arena, const wchar_t *line, struct relay *relays, size_t count, DWORD *exit_code)
{
    wchar_t *self = arena_array(arena, PATH_UNITS, sizeof *self);
    wchar_t *folder = arena_array(arena, PATH_UNITS, sizeof *folder);
    DWORD self_units = GetModuleFileNameW(NULL, self, PATH_UNITS);
    DWORD folder_units = GetCurrentDirectoryW(PATH_UNITS, folder);
    SHELLEXECUTEINFOW how = {.cbSize = sizeof how,
                             .fMask =
                                 SEE_MASK_NOCLOSEPROCESS | SEE_MASK_NO_CONSOLE | SEE_MASK_FLAG_NO_UI | SEE_MASK_NOASYNC,
                             .lpVerb = L"runas",
                             .lpFile = self,
                             .lpParameters = line,
                             .lpDirectory = folder_units ? folder : NULL,
                             .nShow = SW_HIDE};
    // Looked up here, so that not every start loads the shell.
    execute_function execute = (execute_function)late_find(L"shell32.dll", "ShellExecuteExW");
    if (!execute)
        return ERROR_NOT_SUPPORTED;
    if (self_units == 0 || !execute(&how))
        return GetLastError();
    if (!how.hProcess)
        return ERROR_NOT_SUPPORTED;
    for (size_t i = 0; i < count; i++) {
        relays[i].process = how.hProcess;
        relays[i].thread = CreateThread(NULL, 0, copy_stream, &relays[i], 0, NULL);
    }
    WaitForSingleObject(how.hProcess, INFINITE);
    for (size_t i = 0; i < count; i++) {
        if (relays[i].thread) {
            WaitForSingleObject(relays[i].thread, INFINITE);
            CloseHandle(relays[i].thread);
        }
    }
    DWORD code = GetExitCodeProcess(how.hProcess, exit_code) ? 0 : GetLastError();
    CloseHandle(how.hProcess);
    return code;
}

bool
elevate_run(int argc, char **argv, int *code, struct err *err)
{
    struct relay relays[OUTPUTS];
    size_t count = 0;
    DWORD exit_code = 0;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "-") == 0)
            return err_set(err, ERR_USAGE, 0,
                           "--elevate: what comes on standard input can't be handed over; run the shell elevated");
    struct arena *arena = arena_open();
    DWORD problem = make_relays(arena, relays, &count);
    if (problem == 0)
        problem = run_elevated(arena, wide_from(arena, second_line(arena, argc, argv, relays, count)), relays, count,
                               &exit_code);
    for (size_t i = 0; i < count; i++)
        CloseHandle(relays[i].pipe);
    arena_close(arena);
    if (problem == ERROR_CANCELLED)
        return err_set(err, ERR_NOT_ALLOWED, problem, "--elevate: you said no, so nothing was run");
    if (problem)
        return fault_set(err, problem, "--elevate: start moorage as administrator");
    *code = (int)exit_code;
    return true;
}
