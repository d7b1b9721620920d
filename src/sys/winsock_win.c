#include "sys/winsock_win.h"

SOCKET
winsock_open(enum family family, enum protocol protocol, int *code)
{
    static bool started;
    WSADATA data;
    *code = started ? 0 : WSAStartup(MAKEWORD(2, 2), &data);
    started = *code == 0;
    if (started && protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP)
        *code = WSAEPROTONOSUPPORT;
    if (*code)
        return INVALID_SOCKET;
    bool stream = protocol == PROTOCOL_TCP;
    SOCKET made =
        WSASocketW(family == FAMILY_IPV6 ? AF_INET6 : AF_INET, stream ? SOCK_STREAM : SOCK_DGRAM,
                   stream ? IPPROTO_TCP : IPPROTO_UDP, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    *code = made == INVALID_SOCKET ? WSAGetLastError() : 0;
    return made;
}

void
winsock_close(SOCKET socket)
{
    if (socket != INVALID_SOCKET)
        closesocket(socket);
}
