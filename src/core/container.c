#include "core/container.h"

#include "decode/container_api.h"
#include "decode/forwarder.h"
#include "decode/http.h"
#include "sys/clock.h"
#include "sys/container.h"

#define LIST_REQUEST STR("/containers/json")
// Docker shows ids with this many digits.
#define ID_SHORT 12

// Asks one API and notes its answer as it came. The runtime is what the API itself says: Podman is often found at
// docker.sock. `body` gets what a good answer holds.
static const struct api_answer *
ask(struct arena *arena, struct host *host, struct container_endpoint endpoint, struct str request,
    unsigned deadline_ms, struct str *body)
{
    struct http_answer http;
    struct err err = {.kind = ERR_NONE};
    struct api_answer answer = {.runtime = endpoint.runtime, .endpoint = endpoint.path, .request = request};
    if (!container_ask(arena, endpoint, request, deadline_ms, &answer.body, &err)) {
        answer.known = host_known_of(err.kind);
    } else if (http_parse(arena, answer.body, true, &http) != HTTP_DONE) {
        answer.known = KNOWN_UNSUPPORTED;
    } else {
        answer.known = http.status == 200                         ? KNOWN_YES
                       : http.status == 404                       ? KNOWN_GONE
                       : http.status == 401 || http.status == 403 ? KNOWN_NOT_ALLOWED
                                                                  : KNOWN_UNSUPPORTED;
        *body = http.body;
        if (str_starts(http_header(&http, STR("Server")), STR("Libpod")))
            answer.runtime = STR("podman");
    }
    struct api_answer *kept = LIST_ADD(arena, &host->api_answers);
    *kept = answer;
    return kept;
}

static bool
has_container(const struct host *host, struct str id)
{
    for (size_t i = 0; i < host->containers.count; i++) {
        if (str_equal(host->containers.items[i].id, id))
            return true;
    }
    return false;
}

static void
take_list(struct arena *arena, struct host *host, struct container_endpoint endpoint, unsigned deadline_ms)
{
    struct container_list list = {.count = 0};
    struct str body = {0};
    const struct api_answer *answer = ask(arena, host, endpoint, LIST_REQUEST, deadline_ms, &body);
    if (answer->known != KNOWN_YES ||
        !container_api_parse_list(arena, body, answer->runtime, answer->endpoint, &list, NULL))
        return;
    for (size_t i = 0; i < list.count; i++) {
        // One daemon may listen at two paths.
        if (!has_container(host, list.items[i].id))
            *LIST_ADD(arena, &host->containers) = list.items[i];
    }
}

static bool
was_asked(const struct host *host)
{
    for (size_t i = 0; i < host->api_answers.count; i++) {
        if (str_equal(host->api_answers.items[i].request, LIST_REQUEST))
            return true;
    }
    return false;
}

void
container_find(struct arena *arena, struct host *host, unsigned deadline_ms)
{
    struct container_endpoint_list endpoints = {.count = 0};
    int64_t end = clock_mono_us() + (int64_t)deadline_ms * 1000;
    if (was_asked(host))
        return;
    container_endpoints(arena, &endpoints);
    for (size_t i = 0; i < endpoints.count; i++) {
        int64_t left_ms = (end - clock_mono_us()) / 1000;
        unsigned share = left_ms <= 0 ? 0 : (unsigned)((uint64_t)left_ms / (endpoints.count - i));
        take_list(arena, host, endpoints.items[i], share);
    }
}

// An id comes from the API and goes into a request line: nothing but the letters of an id may pass.
static bool
is_plain_id(struct str id)
{
    return id.len > 0 && id.len <= 128 && str_is_plain(id, STR("_-"));
}

bool
container_detail(struct arena *arena, struct host *host, size_t index, unsigned deadline_ms)
{
    struct container *container = &host->containers.items[index];
    struct str body = {0};
    if (container->api.len == 0 || !is_plain_id(container->id))
        return false;
    struct container_endpoint endpoint = {.runtime = container->runtime, .path = container->api};
    struct str request = str_printf(arena, "/containers/%.*s/json", STR_ARG(container->id));
    const struct api_answer *answer = ask(arena, host, endpoint, request, deadline_ms, &body);
    return answer->known == KNOWN_YES && container_api_parse_one(arena, body, container, NULL);
}

const struct container *
container_by_id(const struct host *host, struct str id)
{
    const struct container *found = NULL;
    for (size_t i = 0; i < host->containers.count; i++) {
        const struct container *item = &host->containers.items[i];
        bool by_id = str_equal(item->id, id) || (id.len >= ID_SHORT && str_starts(item->id, id));
        if (!by_id && !(id.len > 0 && str_equal(item->name, id)))
            continue;
        if (found)
            return NULL;
        found = item;
    }
    return found;
}

struct str
container_title(const struct container *container)
{
    return container->name.len > 0 ? container->name : str_part(container->id, 0, ID_SHORT);
}

// Whether a socket on `address` takes what is published on the port's host address.
static bool
publishes(const struct published_port *port, struct address address)
{
    if (port->host_address.family == FAMILY_NONE || address.family == FAMILY_NONE ||
        address_equal(port->host_address, address))
        return true;
    // [::] takes IPv4 too where the runtime opened one socket for both.
    return address_is_any(port->host_address) &&
           (port->host_address.family == address.family || address.family == FAMILY_IPV6);
}

const struct container *
container_by_port(const struct host *host, enum protocol protocol, struct address address, uint16_t port)
{
    for (size_t i = 0; i < host->containers.count; i++) {
        const struct container *item = &host->containers.items[i];
        if (item->state.len > 0 && !str_equal(item->state, STR("running")) && !str_equal(item->state, STR("paused")))
            continue;
        for (size_t j = 0; j < item->ports.count; j++) {
            const struct published_port *published = &item->ports.items[j];
            if (published->host_port == port && host_same_ports(published->protocol, protocol) &&
                publishes(published, address))
                return item;
        }
    }
    return NULL;
}

const struct container *
container_by_forwarder(struct arena *arena, const struct host *host, const struct process *process,
                       enum protocol protocol, struct address address, uint16_t port, bool *is_forwarder)
{
    struct forwarder forwarder;
    bool found = forwarder_parse(arena, &process->command, &forwarder);
    if (is_forwarder)
        *is_forwarder = found;
    if (!found)
        return NULL;
    if (forwarder.id.len > 0)
        return container_by_id(host, forwarder.id);
    if (forwarder.kind == FORWARDER_DOCKER_PROXY && !forwarder_port(&forwarder, protocol, address, port))
        return NULL;
    return container_by_port(host, protocol, address, port);
}
