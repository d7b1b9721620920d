// A server that is asked to end in the ways of Windows, and moorage that asks it:
//     asked free SHAPE FILE MOORAGE [WORD]...
// starts "asked SHAPE FILE" on a console of its own and runs MOORAGE free on its port with these words. It prints "PORT PID"
// of the server, what moorage prints, and "ended" or "lives". Wine takes Ctrl-C to those alone who descend from one program
// that was started from Linux, so that one starts both.
//   saves      on Ctrl-C or Ctrl-Break it writes FILE, slowly, and ends
//   ignores    it hears Ctrl-C and goes on
//   detached   it has no console and no window
//   job        as saves, in a job
//   window     it has a window; when that is closed it writes FILE and ends
//   bystander  as saves, and a second program is on its console, which writes FILE.heard when it hears Ctrl-C
//   heir       who opened the socket has ended; the child that inherited it does as saves
//   visited    as saves, and a second program is connected to it, which writes FILE.left when the connection ends
//   client     it listens to nothing: it has a connection whose own port is the one
// Or it is a service: asked service NAME PORT MS, which takes MS to stop.

#include <winsock2.h>

#include <windows.h>
#include <ws2tcpip.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINES = 200,
};

static const char *file;
static HANDLE over; // set when it is to end

static void
fail(const char *what)
{
    printf("%s: %lu %d\n", what, GetLastError(), WSAGetLastError());
    exit(1);
}

static SOCKET
listen_at(const char *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((u_short)strtoul(port, NULL, 10))};
    int on = 0;
    int length = sizeof on;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    SOCKET made = WSASocketW(AF_INET, SOCK_STREAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (bind(made, (struct sockaddr *)&at, sizeof at) != 0 || listen(made, 5) != 0)
        fail("listen");
    // Wine's tables name this process only when it has used its own end of the socket.
    getsockopt(made, SOL_SOCKET, SO_KEEPALIVE, (char *)&on, &length);
    return made;
}

static void
say_ready(SOCKET socket)
{
    struct sockaddr_in at;
    int length = sizeof at;
    getsockname(socket, (struct sockaddr *)&at, &length);
    printf("%u %lu\n", ntohs(at.sin_port), GetCurrentProcessId());
    fflush(stdout);
}

// Slowly, so that a program that is ended meanwhile leaves half of it.
static void
save(const char *path)
{
    FILE *out = fopen(path, "wb");
    for (int i = 0; out && i < LINES; i++) {
        fprintf(out, "line %d\n", i);
        fflush(out);
        Sleep(2);
    }
    if (out)
        fclose(out);
}

static BOOL WINAPI
on_save(DWORD event)
{
    (void)event;
    SetEvent(over);
    return TRUE;
}

static BOOL WINAPI
on_ignore(DWORD event)
{
    (void)event;
    return TRUE;
}

static BOOL WINAPI
on_heard(DWORD event)
{
    (void)event;
    FILE *out = fopen(file, "wb");
    if (out)
        fclose(out);
    return TRUE;
}

// ---- a window ----

static LRESULT CALLBACK
on_message(HWND window, UINT message, WPARAM w, LPARAM l)
{
    if (message == WM_CLOSE)
        PostQuitMessage(0);
    return message == WM_CLOSE ? 0 : DefWindowProcW(window, message, w, l);
}

static void
serve_window(SOCKET socket)
{
    WNDCLASSW class = {.lpfnWndProc = on_message, .lpszClassName = L"asked", .hInstance = GetModuleHandleW(NULL)};
    MSG message;
    RegisterClassW(&class);
    HWND window = CreateWindowW(L"asked", L"asked", WS_OVERLAPPEDWINDOW | WS_VISIBLE, 0, 0, 100, 100, NULL, NULL,
                                class.hInstance, NULL);
    if (!window)
        fail("window");
    say_ready(socket);
    while (GetMessageW(&message, NULL, 0, 0) > 0)
        DispatchMessageW(&message);
    save(file);
}

// ---- a service ----

static SERVICE_STATUS_HANDLE handle;
static const char *service_port;
static DWORD stop_ms;

static void
tell(DWORD state, DWORD checkpoint)
{
    SERVICE_STATUS status = {.dwServiceType = SERVICE_WIN32_OWN_PROCESS,
                             .dwCurrentState = state,
                             .dwControlsAccepted = state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP : 0,
                             .dwCheckPoint = checkpoint,
                             .dwWaitHint = state == SERVICE_STOP_PENDING ? 500 : 0};
    SetServiceStatus(handle, &status);
}

static DWORD WINAPI
on_control(DWORD control, DWORD type, void *data, void *context)
{
    (void)type;
    (void)data;
    (void)context;
    if (control == SERVICE_CONTROL_STOP)
        SetEvent(over);
    return NO_ERROR;
}

static void WINAPI
service_main(DWORD argc, wchar_t **argv)
{
    (void)argc;
    handle = RegisterServiceCtrlHandlerExW(argv[0], on_control, NULL);
    SOCKET socket = listen_at(service_port);
    tell(SERVICE_RUNNING, 0);
    WaitForSingleObject(over, INFINITE);
    for (DWORD waited = 0; waited < stop_ms; waited += 100) {
        tell(SERVICE_STOP_PENDING, waited / 100 + 1);
        Sleep(100);
    }
    closesocket(socket);
    tell(SERVICE_STOPPED, 0);
}

static int
serve_service(char **words)
{
    wchar_t name[64];
    SERVICE_TABLE_ENTRYW table[] = {{name, service_main}, {NULL, NULL}};
    swprintf(name, sizeof name / sizeof *name, L"%hs", words[0]);
    service_port = words[1];
    stop_ms = strtoul(words[2], NULL, 10);
    return StartServiceCtrlDispatcherW(table) ? 0 : 1;
}

// ---- who starts it ----

static PROCESS_INFORMATION
start(const char *line, DWORD flags, HANDLE out, HANDLE job)
{
    char copy[4096];
    STARTUPINFOA startup = {.cb = sizeof startup,
                            .dwFlags = STARTF_USESTDHANDLES,
                            .hStdInput = GetStdHandle(STD_INPUT_HANDLE),
                            .hStdOutput = out,
                            .hStdError = GetStdHandle(STD_ERROR_HANDLE)};
    PROCESS_INFORMATION made;
    snprintf(copy, sizeof copy, "%s", line);
    if (!CreateProcessA(NULL, copy, NULL, NULL, TRUE, flags | CREATE_SUSPENDED, NULL, NULL, &startup, &made))
        fail("start");
    if (job && !AssignProcessToJobObject(job, made.hProcess))
        fail("job");
    ResumeThread(made.hThread);
    return made;
}

static PROCESS_INFORMATION
start_self(const char *shape, const char *path, DWORD flags, HANDLE out, HANDLE job)
{
    char program[MAX_PATH];
    char line[3 * MAX_PATH];
    GetModuleFileNameA(NULL, program, sizeof program);
    snprintf(line, sizeof line, "\"%s\" %s \"%s\"", program, shape, path);
    return start(line, flags, out, job);
}

static HANDLE
make_job(void)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {.BasicLimitInformation.LimitFlags =
                                                       JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE};
    HANDLE job = CreateJobObjectW(NULL, NULL);
    SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);
    return job;
}

static void
read_line(HANDLE from, char *line, size_t size)
{
    size_t length = 0;
    DWORD got;
    while (length + 1 < size && ReadFile(from, &line[length], 1, &got, NULL) && got == 1 && line[length] != '\n')
        length++;
    line[length] = '\0';
}

// The line of words for moorage, whose path has no blanks.
static void
join(char *line, size_t size, const char *port, int argc, char **argv)
{
    int length = snprintf(line, size, "%s free 127.0.0.1:%s", argv[0], port);
    for (int i = 1; i < argc; i++)
        length += snprintf(line + length, size - (size_t)length, " %s", argv[i]);
}

static int
start_and_free(const char *shape, const char *path, int argc, char **argv)
{
    SECURITY_ATTRIBUTES inherit = {.nLength = sizeof inherit, .bInheritHandle = TRUE};
    char said[64];
    char line[4096];
    char port[16];
    unsigned long pid;
    HANDLE from;
    HANDLE to;
    DWORD code = 1;
    CreatePipe(&from, &to, &inherit, 0);
    SetHandleInformation(from, HANDLE_FLAG_INHERIT, 0);
    bool detached = strcmp(shape, "detached") == 0;
    start_self(shape, path, detached ? DETACHED_PROCESS : CREATE_NO_WINDOW, to,
               strcmp(shape, "job") == 0 ? make_job() : NULL);
    CloseHandle(to);
    read_line(from, said, sizeof said);
    if (sscanf(said, "%15s %lu", port, &pid) != 2)
        fail(said);
    printf("%s\n", said);
    fflush(stdout);
    HANDLE server = OpenProcess(SYNCHRONIZE | PROCESS_TERMINATE, FALSE, pid);
    join(line, sizeof line, port, argc, argv);
    PROCESS_INFORMATION made = start(line, 0, GetStdHandle(STD_OUTPUT_HANDLE), NULL);
    WaitForSingleObject(made.hProcess, INFINITE);
    GetExitCodeProcess(made.hProcess, &code);
    bool ended = !server || WaitForSingleObject(server, 0) == WAIT_OBJECT_0;
    printf("%s\n", ended ? "ended" : "lives");
    fflush(stdout);
    TerminateProcess(server, 9);
    return (int)code;
}

// ---- the shapes ----

// A connection to a server that is this program as well, but listens to another port.
static SOCKET
open_client(void)
{
    struct sockaddr_in at;
    int length = sizeof at;
    SOCKET server = listen_at("0");
    SOCKET made = socket(AF_INET, SOCK_STREAM, 0);
    getsockname(server, (struct sockaddr *)&at, &length);
    if (connect(made, (struct sockaddr *)&at, sizeof at) != 0)
        fail("connect");
    return made;
}

// Writes that it goes on although what it was connected to has ended.
static int
visit(const char *port, const char *path)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((u_short)strtoul(port, NULL, 10))};
    char byte;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    SOCKET made = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(made, (struct sockaddr *)&at, sizeof at) != 0)
        fail("connect");
    while (recv(made, &byte, 1, 0) > 0)
        ;
    Sleep(500);
    save(path);
    return 0;
}

static void
start_visitor(SOCKET socket)
{
    struct sockaddr_in at;
    int length = sizeof at;
    char line[2 * MAX_PATH];
    char program[MAX_PATH];
    getsockname(socket, (struct sockaddr *)&at, &length);
    GetModuleFileNameA(NULL, program, sizeof program);
    snprintf(line, sizeof line, "\"%s\" visits %u \"%s.left\"", program, ntohs(at.sin_port), file);
    start(line, CREATE_NO_WINDOW, GetStdHandle(STD_ERROR_HANDLE), NULL);
    accept(socket, NULL, NULL);
}

static void
start_heir(SOCKET socket)
{
    char number[32];
    SetHandleInformation((HANDLE)socket, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    snprintf(number, sizeof number, "%llu", (unsigned long long)socket);
    SetEnvironmentVariableA("ASKED_SOCKET", number);
    start_self("inherits", file, 0, GetStdHandle(STD_OUTPUT_HANDLE), NULL);
    exit(0);
}

static SOCKET
open_shape(const char *shape)
{
    char text[MAX_PATH];
    if (strcmp(shape, "client") == 0)
        return open_client();
    if (strcmp(shape, "inherits") == 0 && GetEnvironmentVariableA("ASKED_SOCKET", text, sizeof text) > 0)
        return (SOCKET)strtoull(text, NULL, 10);
    SOCKET made = listen_at("0");
    if (strcmp(shape, "heir") == 0)
        start_heir(made);
    if (strcmp(shape, "visited") == 0)
        start_visitor(made);
    if (strcmp(shape, "bystander") == 0) {
        // In a job of its own, which ends it with this program: its console would be in the way of a window later.
        snprintf(text, sizeof text, "%s.heard", file);
        start_self("hears", text, 0, GetStdHandle(STD_ERROR_HANDLE), make_job());
    }
    return made;
}

int
main(int argc, char **argv)
{
    WSADATA data;
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0 || argc < 3)
        return 2;
    over = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (argc == 5 && strcmp(argv[1], "service") == 0)
        return serve_service(argv + 2);
    if (argc > 4 && strcmp(argv[1], "free") == 0)
        return start_and_free(argv[2], argv[3], argc - 4, argv + 4);
    if (argc == 4 && strcmp(argv[1], "visits") == 0)
        return visit(argv[2], argv[3]);
    file = argv[2];
    if (strcmp(argv[1], "hears") == 0) {
        SetConsoleCtrlHandler(on_heard, TRUE);
        Sleep(20000);
        return 0;
    }
    SOCKET socket = open_shape(argv[1]);
    SetConsoleCtrlHandler(strcmp(argv[1], "ignores") == 0 ? on_ignore : on_save, TRUE);
    if (strcmp(argv[1], "window") == 0) {
        serve_window(socket);
        return 0;
    }
    say_ready(socket);
    WaitForSingleObject(over, 60000);
    save(file);
    return 0;
}
