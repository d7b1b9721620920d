#ifndef MOORAGE_TEST_SYS_PLAYER_WIN_H
#define MOORAGE_TEST_SYS_PLAYER_WIN_H

// Other processes for tests of Windows: this program started again, playing a part that its words name. A player writes one
// line when it is ready, and ends when it is told to or when the test program ends, with what it started. The file that
// includes this defines play() and ends with PLAYER_MAIN.

#include "tap.h"

#include <winsock2.h>

#include <windows.h>

#include <fcntl.h>
#include <io.h>
#include <shellapi.h>
#include <ws2tcpip.h>

#include "sys/wide_win.h"

struct player {
    HANDLE process;
    uint32_t pid;
    HANDLE in; // closing it tells it to end
    HANDLE out;
};

// All that were started, so that none outlives a test that failed.
static HANDLE player_job;

// How the process started again goes on; words[0] is the name of the part.
static int
play(struct arena *arena, int count, wchar_t **words);

static inline wchar_t *
player_path(void)
{
    static wchar_t path[MAX_PATH];
    GetModuleFileNameW(NULL, path, MAX_PATH);
    return path;
}

// Starts `program` with a command line and a folder (NULL: the own one).
static inline struct player
player_run(const wchar_t *program, const wchar_t *line, const wchar_t *folder)
{
    SECURITY_ATTRIBUTES inherit = {.nLength = sizeof inherit, .bInheritHandle = TRUE};
    STARTUPINFOW startup = {.cb = sizeof startup, .dwFlags = STARTF_USESTDHANDLES};
    PROCESS_INFORMATION made = {0};
    struct player player = {0};
    wchar_t copy[1024];

    if (!player_job) {
        JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {.BasicLimitInformation.LimitFlags =
                                                           JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE};
        player_job = CreateJobObjectW(NULL, NULL);
        SetInformationJobObject(player_job, JobObjectExtendedLimitInformation, &limits, sizeof limits);
    }
    wcsncpy_s(copy, 1024, line, _TRUNCATE);
    CHECK(CreatePipe(&startup.hStdInput, &player.in, &inherit, 0));
    CHECK(CreatePipe(&player.out, &startup.hStdOutput, &inherit, 0));
    SetHandleInformation(player.in, HANDLE_FLAG_INHERIT, 0);
    SetHandleInformation(player.out, HANDLE_FLAG_INHERIT, 0);
    startup.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    CHECK(CreateProcessW(program, copy, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, folder, &startup, &made));
    AssignProcessToJobObject(player_job, made.hProcess);
    ResumeThread(made.hThread);
    CloseHandle(made.hThread);
    CloseHandle(startup.hStdInput);
    CloseHandle(startup.hStdOutput);
    player.process = made.hProcess;
    player.pid = made.dwProcessId;
    return player;
}

// The next line that it writes, without its end; empty when it ended.
static inline struct str
player_line(struct arena *arena, const struct player *player)
{
    char line[512];
    size_t length = 0;
    DWORD got;
    while (length < sizeof line && ReadFile(player->out, line + length, 1, &got, NULL) && got == 1 &&
           line[length] != '\n')
        length++;
    return str_copy(arena, str_trim((struct str){line, length}));
}

// Starts this program again with these words behind its name.
static inline struct player
player_start(const wchar_t *words)
{
    wchar_t line[1024];
    swprintf(line, 1024, L"\"%ls\" %ls", player_path(), words);
    return player_run(player_path(), line, NULL);
}

static inline void
player_end(struct player *player)
{
    CloseHandle(player->in);
    if (WaitForSingleObject(player->process, 60000) != WAIT_OBJECT_0)
        TerminateProcess(player->process, 99);
    WaitForSingleObject(player->process, 60000);
    CloseHandle(player->process);
    CloseHandle(player->out);
}

// For parts: tells that all is ready, with a text, and waits to be told to end.
static inline void
player_ready(const char *text)
{
    printf("%s\n", text);
    fflush(stdout);
    while (getchar() != EOF)
        continue;
}

// A socket bound to an address with any port; it listens with a backlog above 0. `touch`: asks for an option, after which
// Wine can tell whose it is.
static inline SOCKET
player_bind(int type, const char *address, int backlog, bool touch)
{
    WSADATA data;
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_in four = {.sin_family = AF_INET};
    bool v6 = strchr(address, ':') != NULL;
    BOOL alive = FALSE;
    int size = sizeof alive;

    WSAStartup(MAKEWORD(2, 2), &data);
    SOCKET fd = WSASocketW(v6 ? AF_INET6 : AF_INET, type, 0, NULL, 0, WSA_FLAG_OVERLAPPED);
    inet_pton(v6 ? AF_INET6 : AF_INET, address, v6 ? (void *)&six.sin6_addr : (void *)&four.sin_addr);
    if (fd == INVALID_SOCKET ||
        bind(fd, v6 ? (struct sockaddr *)&six : (struct sockaddr *)&four, v6 ? sizeof six : sizeof four) != 0 ||
        (backlog > 0 && listen(fd, backlog) != 0))
        return INVALID_SOCKET;
    if (touch)
        getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, (char *)&alive, &size);
    return fd;
}

static inline uint16_t
player_port(SOCKET fd)
{
    struct sockaddr_storage name = {0};
    int size = sizeof name;
    if (getsockname(fd, (struct sockaddr *)&name, &size) != 0)
        return 0;
    return ntohs(name.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&name)->sin6_port
                                            : ((struct sockaddr_in *)&name)->sin_port);
}

// In Wine, starts a program of the system below that listens while a file is there, whose path it puts into `path`; gives the
// port. Its standard streams are not those of Windows, nor is there a handle of it.
static inline uint16_t
player_outside(struct arena *arena, char *path, size_t room)
{
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION made;
    char port[16];
    uint64_t number = 0;
    struct str name =
        str_printf(arena, "moorage-%lu-%llu", GetCurrentProcessId(), (unsigned long long)GetTickCount64());
    struct str line =
        str_printf(arena,
                   "python3 -c \"import os,socket,time\ns=socket.socket()\ns.bind(('127.0.0.1',0))\n"
                   "s.listen()\nf=open('/tmp/%.*s','r+')\nf.write('%%d.'%%s.getsockname()[1])\nf.close()\n"
                   "end=time.time()+300\n"
                   "while os.path.exists('/tmp/%.*s') and time.time()<end: time.sleep(.05)\"",
                   STR_ARG(name), STR_ARG(name));
    snprintf(path, room, "Z:\\tmp\\%.*s", STR_ARG(name));
    fclose(fopen(path, "w"));
    CHECK(CreateProcessW(L"Z:\\usr\\bin\\python3", wide_from(arena, line), NULL, NULL, FALSE, 0, NULL, NULL, &startup,
                         &made));
    for (int i = 0; i < 2400 && number == 0; i++) {
        FILE *in = fopen(path, "r");
        struct str text = {port, in ? fread(port, 1, sizeof port, in) : 0};
        if (in)
            fclose(in);
        if (!str_ends(text, STR(".")) || !str_to_u64(str_part(text, 0, text.len - 1), 10, &number))
            Sleep(50);
    }
    return (uint16_t)number;
}

static inline int
player_main(void)
{
    int count;
    wchar_t **words = CommandLineToArgvW(GetCommandLineW(), &count);
    struct arena *arena = arena_open();

    _setmode(_fileno(stdout), _O_BINARY);
    int code = count > 1 ? play(arena, count - 1, words + 1) : tap_run_all();
    arena_close(arena);
    LocalFree(words);
    return code;
}

#define PLAYER_MAIN           \
    int main(void)            \
    {                         \
        return player_main(); \
    }

#endif
