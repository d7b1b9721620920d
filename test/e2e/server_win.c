// A server in the shapes in which ports are held on Windows: server listen|exclusive|bound|udp|ghost ADDRESS PORT
// Says "PORT PID" when it is ready, and ends when its standard input does. As "ghost", the one that opened the socket ends at
// once, and a child that inherited it stays.

#include <winsock2.h>

#include <windows.h>
#include <ws2tcpip.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
fail(const char *what)
{
    printf("%s: %d\n", what, WSAGetLastError());
    exit(1);
}

static void
wait_for_end(void)
{
    fflush(stdout);
    while (getchar() != EOF)
        ;
}

static SOCKET
open_socket(const char *shape, const char *address, const char *port)
{
    struct addrinfo want = {.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
                            .ai_socktype = strcmp(shape, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM};
    struct addrinfo *found;
    int on = 1;
    int length = sizeof on;
    if (getaddrinfo(address, port, &want, &found) != 0)
        fail("address");
    SOCKET made = WSASocketW(found->ai_family, found->ai_socktype, 0, NULL, 0, WSA_FLAG_OVERLAPPED);
    if (strcmp(shape, "exclusive") == 0 &&
        setsockopt(made, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof on) != 0)
        fail("exclusive");
    if (bind(made, found->ai_addr, (int)found->ai_addrlen) != 0)
        fail("bind");
    if (want.ai_socktype == SOCK_STREAM && strcmp(shape, "bound") != 0 && listen(made, 5) != 0)
        fail("listen");
    // Wine's tables name this process only when it has used its own end of the socket.
    getsockopt(made, SOL_SOCKET, SO_KEEPALIVE, (char *)&on, &length);
    freeaddrinfo(found);
    return made;
}

static unsigned
port_of(SOCKET socket)
{
    struct sockaddr_storage at;
    int length = sizeof at;
    if (getsockname(socket, (struct sockaddr *)&at, &length) != 0)
        fail("getsockname");
    return ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                          : ((struct sockaddr_in *)&at)->sin_port);
}

// The child that keeps the socket, without knowing of it.
static DWORD
start_heir(SOCKET socket)
{
    wchar_t path[MAX_PATH];
    wchar_t line[] = L"server heir";
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION made;
    GetModuleFileNameW(NULL, path, MAX_PATH);
    SetHandleInformation((HANDLE)socket, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    if (!CreateProcessW(path, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &made))
        fail("heir");
    return made.dwProcessId;
}

int
main(int argc, char **argv)
{
    WSADATA data;
    if (argc == 2) {
        wait_for_end();
        return 0;
    }
    if (argc != 4 || WSAStartup(MAKEWORD(2, 2), &data) != 0)
        return 2;
    SOCKET socket = open_socket(argv[1], argv[2], argv[3]);
    if (strcmp(argv[1], "ghost") == 0) {
        printf("%u %lu\n", port_of(socket), start_heir(socket));
        fflush(stdout);
        return 0;
    }
    printf("%u %lu\n", port_of(socket), GetCurrentProcessId());
    wait_for_end();
    return 0;
}
