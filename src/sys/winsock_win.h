#ifndef MOORAGE_SYS_WINSOCK_WIN_H
#define MOORAGE_SYS_WINSOCK_WIN_H

// Sockets of our own on Windows. They are never inherited by programs that moorage starts. Windows only.

#include <winsock2.h>

#include "decode/host.h"

// A socket of this family and protocol, or INVALID_SOCKET with the code of WSAGetLastError() in `code`. Starts Winsock when it
// is the first. Protocols that Windows lacks give WSAEPROTONOSUPPORT.
SOCKET
winsock_open(enum family family, enum protocol protocol, int *code);

// Calm about INVALID_SOCKET.
void
winsock_close(SOCKET socket);

#endif
