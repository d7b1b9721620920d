#include "sys/http_service.h"

#include <winsock2.h>

#include <windows.h>

#include <http.h>
#include <sddl.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "decode/http_url.h"
#include "decode/registry.h"
#include "decode/security.h"
#include "sys/clock.h"
#include "sys/late_win.h"
#include "sys/registry_win.h"
#include "sys/service.h"
#include "sys/sid_win.h"
#include "sys/tool_win.h"
#include "sys/wide_win.h"

#define RESERVATIONS L"SYSTEM\\CurrentControlSet\\Services\\HTTP\\Parameters\\UrlAclInfo"

// httpapi.dll, which a Windows without the HTTP server may lack.
typedef ULONG(WINAPI *begin_function)(HTTPAPI_VERSION version, ULONG flags, void *reserved);
typedef ULONG(WINAPI *end_function)(ULONG flags, void *reserved);
typedef ULONG(WINAPI *query_function)(HANDLE service, HTTP_SERVICE_CONFIG_ID id, void *input, ULONG input_size,
                                      void *output, ULONG size, ULONG *needed, OVERLAPPED *overlapped);

// "S-1-5-19" as the name that this Windows has for it.
static struct str
name_of(struct arena *arena, struct str sid)
{
    PSID binary = NULL;
    if (!ConvertStringSidToSidW(wide_from(arena, sid), &binary))
        return sid;
    struct str name = sid_name(arena, sid_number(binary));
    LocalFree(binary);
    return name.len > 0 ? name : sid;
}

static void
add_reservation(struct arena *arena, struct str url, const struct str_list *allowed, struct host *host)
{
    struct buf owner = {.arena = arena};
    struct http_url *added = http_url_add(arena, url, host);
    // One that is in use is told by its queue, which knows its processes.
    if (!added || added->registered)
        return;
    for (size_t i = 0; i < allowed->count; i++) {
        struct str name = name_of(arena, allowed->items[i]);
        buf_addf(&owner, "%s%.*s", i > 0 ? ", " : "", STR_ARG(name));
    }
    added->owner = buf_str(&owner);
}

static bool
read_by_api(struct arena *arena, struct host *host)
{
    begin_function begin = (begin_function)late_find(L"httpapi.dll", "HttpInitialize");
    end_function end = (end_function)late_find(L"httpapi.dll", "HttpTerminate");
    query_function ask = (query_function)late_find(L"httpapi.dll", "HttpQueryServiceConfiguration");
    HTTPAPI_VERSION version = HTTPAPI_VERSION_1;
    ULONG code = NO_ERROR;
    if (!begin || !end || !ask || begin(version, HTTP_INITIALIZE_CONFIG, NULL) != NO_ERROR)
        return false;
    for (DWORD i = 0; code == NO_ERROR; i++) {
        HTTP_SERVICE_CONFIG_URLACL_QUERY query = {.QueryDesc = HttpServiceConfigQueryNext, .dwToken = i};
        ULONG size = 0;
        code = ask(NULL, HttpServiceConfigUrlAclInfo, &query, sizeof query, NULL, 0, &size, NULL);
        if (code != ERROR_INSUFFICIENT_BUFFER)
            break;
        HTTP_SERVICE_CONFIG_URLACL_SET *found = arena_alloc(arena, size);
        code = ask(NULL, HttpServiceConfigUrlAclInfo, &query, sizeof query, found, size, &size, NULL);
        if (code == NO_ERROR) {
            struct str_list allowed = {.count = 0};
            security_parse_text(arena, wide_to_z(arena, found->ParamDesc.pStringSecurityDescriptor), &allowed);
            add_reservation(arena, wide_to_z(arena, found->KeyDesc.pUrlPrefix), &allowed, host);
        }
    }
    end(HTTP_INITIALIZE_CONFIG, NULL);
    return code == ERROR_NO_MORE_ITEMS;
}

// The same reservations where the interface does not tell them.
static void
read_by_registry(struct arena *arena, struct host *host)
{
    struct registry_values values = {.count = 0};
    if (!registry_read_values(arena, REGISTRY_MACHINE, RESERVATIONS, &values, NULL))
        return;
    *LIST_ADD(arena, &host->raw) = (struct raw_bytes){STR("registry HTTP UrlAclInfo"), registry_write(arena, &values)};
    for (size_t i = 0; i < values.count; i++) {
        struct str_list allowed = {.count = 0};
        security_parse_bytes(arena, values.items[i].data, &allowed);
        add_reservation(arena, values.items[i].name, &allowed, host);
    }
}

// netsh prints in the code page of a console that nobody changed (it has one of its own, without a window); names of queues may have any letter.
static struct str
from_console(struct arena *arena, struct str text)
{
    int length = text.len < INT_MAX ? (int)text.len : INT_MAX;
    UINT page = GetOEMCP();
    if (utf8_valid(text))
        return text;
    int units = MultiByteToWideChar(page, 0, text.ptr, length, NULL, 0);
    wchar_t *wide = arena_array(arena, (size_t)units + 1, sizeof *wide);
    units = MultiByteToWideChar(page, 0, text.ptr, length, wide, units);
    return units > 0 ? wide_to(arena, wide, (size_t)units) : text;
}

// What programs use, and what is reserved for them. netsh and the interface start the server, so it must run already.
static bool
read_running(struct arena *arena, unsigned deadline_ms, struct host *host, struct err *err)
{
    struct raw_bytes raw = {.name = STR("")};
    struct str text;
    // First what is in use: a reservation of the same URL adds nothing to it.
    bool queues =
        tool_ask_netsh(arena, STR("http show servicestate view=requestq verbose=yes"), deadline_ms, &raw, &text, err);
    if (raw.name.len > 0)
        *LIST_ADD(arena, &host->raw) = raw;
    if (queues)
        http_url_read_queues(arena, from_console(arena, text), host);
    size_t used = host->http_urls.count;
    if (!read_by_api(arena, host)) {
        host->http_urls.count = used;
        read_by_registry(arena, host);
    }
    return queues;
}

bool
http_service_read(struct arena *arena, unsigned deadline_ms, struct host *host, struct err *err)
{
    int64_t end = clock_mono_us() + (int64_t)deadline_ms * 1000;
    struct service server;
    struct err why = {0};
    if (!service_read(arena, false, 0, STR("HTTP"), deadline_ms, &server, &why))
        return err_set(err, why.kind == ERR_GONE ? ERR_UNSUPPORTED : why.kind, why.os, "%s", why.text);
    host->http_known = KNOWN_YES;
    if (!str_equal(server.state, STR("active"))) {
        read_by_registry(arena, host);
        return true;
    }
    int64_t left = (end - clock_mono_us()) / 1000;
    if (read_running(arena, left > 0 ? (unsigned)left : 0, host, &why))
        return true;
    host->http_known = KNOWN_NOT_ALLOWED;
    return host->http_urls.count > 0 || err_set(err, why.kind, why.os, "%s", why.text);
}
