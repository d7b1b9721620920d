#include "decode/lease_record.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/sha256.h"

#define SCHEMA "moorage.lease-record/1"
#define FENCE "fence-"

// Times of thousands of years, of which two can be added.
#define TIME_MOST ((int64_t)1 << 52)

// A number in exactly `digits` lower-case hexadecimal digits.
static bool
parse_hex(struct str text, size_t digits, uint64_t *out)
{
    return text.len == digits && str_to_u64(text, 16, out);
}

static bool
parse_nobody(struct str rest, struct lease_key *out)
{
    struct str boot;
    uint64_t number;

    if (!str_cut(&rest, '-', &boot) || !parse_hex(boot, 8, &number) || !str_to_u64(rest, 10, &out->ends))
        return false;
    out->boot = (uint32_t)number;
    return true;
}

bool
lease_record_parse_name(struct str name, struct lease_key *out)
{
    struct str port;
    struct str protocol;
    struct str key;
    uint64_t number;

    *out = (struct lease_key){0};
    if (str_starts(name, STR(FENCE)))
        return str_to_u64(str_part(name, sizeof FENCE - 1, SIZE_MAX), 10, &out->fence) && out->fence != 0;
    if (!str_cut(&name, '-', &port) || !str_cut(&name, '-', &protocol) || !str_cut(&name, '-', &key) ||
        !str_to_u64(port, 10, &number) || number == 0 || number > UINT16_MAX ||
        !host_protocol_parse(protocol, &out->protocol))
        return false;
    out->port = (uint16_t)number;
    if (str_equal(key, STR("0")))
        return parse_nobody(name, out);
    return !name.ptr && parse_hex(key, 16, &out->key) && out->key != 0;
}

struct str
lease_record_format_name(struct arena *arena, const struct lease_key *key)
{
    struct str protocol = host_protocol_name(key->protocol);

    if (key->fence)
        return str_printf(arena, FENCE "%llu", (unsigned long long)key->fence);
    if (key->key)
        return str_printf(arena, "%u-%.*s-%016llx", key->port, STR_ARG(protocol), (unsigned long long)key->key);
    return str_printf(arena, "%u-%.*s-0-%08x-%llu", key->port, STR_ARG(protocol), (unsigned)key->boot,
                      (unsigned long long)key->ends);
}

static uint64_t
hash_of(struct str text)
{
    uint8_t digest[SHA256_SIZE];
    uint64_t out = 0;

    sha256(text, digest);
    for (size_t i = 0; i < 8; i++)
        out = out << 8 | digest[i];
    return out;
}

uint64_t
lease_record_key(struct str project, struct str name)
{
    struct arena *arena = arena_open();
    struct buf text = {.arena = arena};

    buf_add(&text, project);
    buf_add_byte(&text, '\0');
    buf_add(&text, name);
    uint64_t key = hash_of(buf_str(&text));
    arena_close(arena);
    return key ? key : 1;
}

uint32_t
lease_record_boot(struct str boot)
{
    uint32_t short_one = (uint32_t)hash_of(boot);

    return boot.len == 0 ? 0 : short_one ? short_one : 1;
}

static bool
has_texts(struct arena *arena, const cJSON *object, struct lease *out)
{
    struct str protocol;
    struct str schema;

    return json_get_str(arena, object, "schema", &schema) && str_equal(schema, STR(SCHEMA)) &&
           json_get_str(arena, object, "protocol", &protocol) && host_protocol_parse(protocol, &out->protocol) &&
           json_get_str(arena, object, "name", &out->name) && json_get_str(arena, object, "project", &out->project) &&
           json_get_str(arena, object, "boot", &out->boot) && json_get_str(arena, object, "token", &out->token);
}

static bool
is_time(int64_t ms)
{
    return ms >= -TIME_MOST && ms <= TIME_MOST;
}

static bool
has_numbers(const cJSON *object, struct lease *out)
{
    uint64_t port;
    uint64_t pid;

    if (!json_get_u64(object, "port", &port) || port == 0 || port > UINT16_MAX || !json_get_u64(object, "pid", &pid) ||
        pid > UINT32_MAX)
        return false;
    out->port = (uint16_t)port;
    out->pid = (uint32_t)pid;
    return json_get_bool(object, "lasting", &out->lasting) && json_get_u64(object, "started", &out->started) &&
           json_get_u64(object, "space", &out->space) && json_get_int(object, "ttl_ms", &out->ttl_ms) &&
           json_get_int(object, "taken_ms", &out->taken_ms) && json_get_int(object, "taken_up", &out->taken_up) &&
           json_get_u64(object, "fence", &out->fence) && out->ttl_ms >= 0 && is_time(out->ttl_ms) &&
           is_time(out->taken_ms) && is_time(out->taken_up);
}

bool
lease_record_parse(struct arena *arena, struct str text, struct lease *out, struct err *err)
{
    const cJSON *object = json_parse(arena, text, err);

    if (!object)
        return false;
    return (has_texts(arena, object, out) && has_numbers(object, out)) ||
           err_set(err, ERR_FORMAT, 0, "it is not a lease of this version");
}

struct str
lease_record_format(struct arena *arena, const struct lease *lease)
{
    json_use(arena);
    cJSON *object = cJSON_CreateObject();

    json_add_str(arena, object, "schema", STR(SCHEMA));
    json_add_str(arena, object, "protocol", host_protocol_name(lease->protocol));
    json_add_u64(arena, object, "port", lease->port);
    json_add_str(arena, object, "name", lease->name);
    json_add_str(arena, object, "project", lease->project);
    json_add_bool(object, "lasting", lease->lasting);
    json_add_u64(arena, object, "pid", lease->pid);
    json_add_u64(arena, object, "started", lease->started);
    json_add_u64(arena, object, "space", lease->space);
    json_add_int(object, "ttl_ms", lease->ttl_ms);
    json_add_int(object, "taken_ms", lease->taken_ms);
    json_add_int(object, "taken_up", lease->taken_up);
    json_add_str(arena, object, "boot", lease->boot);
    json_add_str(arena, object, "token", lease->token);
    json_add_u64(arena, object, "fence", lease->fence);
    return json_print(arena, object, false);
}
