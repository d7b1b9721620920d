#include "sys/afd_query_win.h"

#include "sys/winsock_win.h"

#include <windows.h>
#include <winternl.h>

#include <string.h>
#include <wchar.h>

#include "decode/little.h"
#include "decode/win_handle.h"

// Requests of AFD (ntafd.h of System Informer). None of them changes anything.
#define AFD_GET_ADDRESS 0x1202f
#define AFD_GET_REMOTE_ADDRESS 0x1203f
#define AFD_GET_CONTEXT 0x12043

// Requests that only Wine knows.
#define WINE_GET_PEER 0x120360
#define WINE_GET_INFO 0x120368
#define WINE_GET_LISTENING 0x12036c

#define FILE_VOLUME_NAME 58 // FileVolumeNameInformation

#define NOT_IMPLEMENTED ((NTSTATUS)0xc0000002)
#define INVALID_INFO_CLASS ((NTSTATUS)0xc0000003)
#define INVALID_DEVICE_REQUEST ((NTSTATUS)0xc0000010)

enum {
    ANSWER_ROOM = 512,
    ANSWER_MS = 100, // AFD answers at once
};

// Whether the handle leads to AFD, as far as the system tells: other drivers must not get AFD's requests. Wine does not
// tell, and has no drivers that would mind.
static bool
may_be_socket(HANDLE handle)
{
    static const wchar_t afd[] = L"\\Device\\Afd";
    struct {
        ULONG length;
        wchar_t name[256];
    } volume = {0};
    IO_STATUS_BLOCK io = {0};
    NTSTATUS status =
        NtQueryInformationFile(handle, &io, &volume, sizeof volume, (FILE_INFORMATION_CLASS)FILE_VOLUME_NAME);

    if (!NT_SUCCESS(status))
        return status == NOT_IMPLEMENTED || status == INVALID_INFO_CLASS;
    return volume.length == sizeof afd - sizeof *afd && wmemcmp(volume.name, afd, volume.length / sizeof *afd) == 0;
}

// Always with an event: the handle may be one for overlapped use, where the answer comes later.
static NTSTATUS
ask(struct arena *arena, HANDLE handle, HANDLE event, ULONG request, struct str *answer)
{
    char room[ANSWER_ROOM] = {0};
    IO_STATUS_BLOCK io = {0};
    NTSTATUS status = NtDeviceIoControlFile(handle, event, NULL, NULL, &io, request, NULL, 0, room, sizeof room);

    *answer = (struct str){0};
    if (status == STATUS_PENDING) {
        if (WaitForSingleObject(event, ANSWER_MS) != WAIT_OBJECT_0) {
            CancelIoEx(handle, NULL);
            // The room must not go away before the driver is done with it.
            WaitForSingleObject(event, INFINITE);
        }
        status = io.Status;
    }
    if (NT_SUCCESS(status))
        *answer = str_copy(arena, (struct str){room, io.Information < sizeof room ? io.Information : sizeof room});
    return status;
}

static bool
set_protocol(int type, int protocol, struct scanned_socket *out)
{
    if (type == SOCK_STREAM && (protocol == IPPROTO_TCP || protocol == 0))
        out->protocol = PROTOCOL_TCP;
    else if (type == SOCK_DGRAM && (protocol == IPPROTO_UDP || protocol == 0))
        out->protocol = PROTOCOL_UDP;
    else
        return false;
    return true;
}

// Wine's driver keeps no context, but answers requests of its own (wine/afd.h).
static bool
ask_wine(struct arena *arena, HANDLE handle, HANDLE event, struct scanned_socket *out)
{
    struct str info; // family, type, protocol
    struct str listens;
    struct str peer;

    if (!NT_SUCCESS(ask(arena, handle, event, WINE_GET_INFO, &info)) || info.len < 12 ||
        !set_protocol((int)little_u32(info, 4), (int)little_u32(info, 8), out))
        return false;
    if (NT_SUCCESS(ask(arena, handle, event, WINE_GET_LISTENING, &listens)) && listens.len >= 4)
        out->listens = little_u32(listens, 0) ? TRI_YES : TRI_NO;
    if (NT_SUCCESS(ask(arena, handle, event, WINE_GET_PEER, &peer)))
        (void)win_afd_address(peer, &out->remote, &out->remote_port);
    return true;
}

static bool
read_context(struct arena *arena, HANDLE handle, HANDLE event, struct scanned_socket *out)
{
    struct win_afd_context context;
    struct str remote;
    NTSTATUS status = ask(arena, handle, event, AFD_GET_CONTEXT, &out->context_bytes);

    if (status == INVALID_DEVICE_REQUEST)
        return ask_wine(arena, handle, event, out);
    if (!NT_SUCCESS(status) || !win_afd_context(out->context_bytes, &context) ||
        !set_protocol(context.type, context.protocol, out))
        return false;
    out->listens = context.listening ? TRI_YES : TRI_NO;
    out->reuse = context.reuse && !context.exclusive ? TRI_YES : TRI_NO;
    if (NT_SUCCESS(ask(arena, handle, event, AFD_GET_REMOTE_ADDRESS, &remote)))
        (void)win_afd_address(remote, &out->remote, &out->remote_port);
    return true;
}

bool
afd_query(struct arena *arena, void *handle, struct scanned_socket *out)
{
    bool good = false;
    HANDLE event;

    if (!may_be_socket(handle) || !(event = CreateEventW(NULL, TRUE, FALSE, NULL)))
        return false;
    if (NT_SUCCESS(ask(arena, handle, event, AFD_GET_ADDRESS, &out->address_bytes)) &&
        win_afd_address(out->address_bytes, &out->local, &out->local_port) && out->local_port != 0)
        good = read_context(arena, handle, event, out);
    if (out->remote_port == 0)
        out->remote = address_any(FAMILY_NONE);
    CloseHandle(event);
    return good;
}
