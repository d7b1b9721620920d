#include "core/endpoint_part.h"

#include "base/ascii.h"
#include "sys/net.h"

// The usual ports of URL schemes (IANA's registries of URI schemes and of services; the others as their projects
// document them).
static const struct {
    struct str scheme;
    uint16_t port;
} schemes[] = {
    {STR_INIT("http"), 80},       {STR_INIT("https"), 443},       {STR_INIT("ws"), 80},
    {STR_INIT("wss"), 443},       {STR_INIT("ftp"), 21},          {STR_INIT("ftps"), 990},
    {STR_INIT("ssh"), 22},        {STR_INIT("sftp"), 22},         {STR_INIT("telnet"), 23},
    {STR_INIT("smtp"), 25},       {STR_INIT("smtps"), 465},       {STR_INIT("dns"), 53},
    {STR_INIT("imap"), 143},      {STR_INIT("imaps"), 993},       {STR_INIT("pop3"), 110},
    {STR_INIT("pop3s"), 995},     {STR_INIT("ldap"), 389},        {STR_INIT("ldaps"), 636},
    {STR_INIT("rtsp"), 554},      {STR_INIT("rsync"), 873},       {STR_INIT("ipp"), 631},
    {STR_INIT("postgres"), 5432}, {STR_INIT("postgresql"), 5432}, {STR_INIT("mysql"), 3306},
    {STR_INIT("mariadb"), 3306},  {STR_INIT("sqlserver"), 1433},  {STR_INIT("mssql"), 1433},
    {STR_INIT("redis"), 6379},    {STR_INIT("rediss"), 6379},     {STR_INIT("mongodb"), 27017},
    {STR_INIT("amqp"), 5672},     {STR_INIT("amqps"), 5671},      {STR_INIT("mqtt"), 1883},
    {STR_INIT("mqtts"), 8883},    {STR_INIT("nats"), 4222},       {STR_INIT("memcached"), 11211},
    {STR_INIT("rdp"), 3389},      {STR_INIT("vnc"), 5900},        {STR_INIT("git"), 9418},
    {STR_INIT("svn"), 3690},      {STR_INIT("bolt"), 7687},       {STR_INIT("neo4j"), 7687},
};

bool
endpoint_part_is_localhost(struct str name)
{
    static const struct str suffix = STR_INIT(".localhost");
    size_t start = name.len > suffix.len ? name.len - suffix.len : 0;

    if (str_ends(name, STR(".")))
        return endpoint_part_is_localhost(str_part(name, 0, name.len - 1)) && !str_ends(name, STR(".."));
    return str_equal_nocase(name, STR("localhost")) || str_equal_nocase(name, STR("localhost.localdomain")) ||
           (start > 0 && name.ptr[0] != '.' && str_equal_nocase(str_part(name, start, SIZE_MAX), suffix));
}

// Linux: IFNAMSIZ, dev_valid_name() in net/core/dev.c
static bool
is_device_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] <= ' ' || name.ptr[i] == '/' || name.ptr[i] == ':' || name.ptr[i] == '%' ||
            name.ptr[i] == ']' || name.ptr[i] == 0x7f || name.ptr[i] == ',')
            return false;
    return name.len > 0 && name.len < 16;
}

static enum endpoint_part_answer
scope_of(struct str scope, struct endpoint *out)
{
    uint64_t number = 0;

    if (str_to_u64(scope, 10, &number) && number > 0 && number <= INT32_MAX)
        out->address.scope = (uint32_t)number;
    else
        out->address.scope = net_device_index(scope);
    return out->address.scope ? ENDPOINT_PART_GOOD : ENDPOINT_PART_NO_DEVICE;
}

enum endpoint_part_answer
endpoint_part_host(struct str text, struct endpoint *out)
{
    size_t percent = str_find_byte(text, '%');
    struct str base = str_part(text, 0, percent);
    struct str device = percent == SIZE_MAX ? (struct str){NULL, 0} : str_part(text, percent + 1, SIZE_MAX);

    if (percent != SIZE_MAX && !is_device_name(device))
        return ENDPOINT_PART_NO_ADDRESS;
    out->address = address_any(FAMILY_NONE);
    out->device = device;
    if (base.len == 0 || str_equal(base, STR("*")) || str_equal(base, STR("+"))) {
        out->host = ENDPOINT_EVERY;
        return ENDPOINT_PART_GOOD;
    }
    if (endpoint_part_is_localhost(base)) {
        out->host = ENDPOINT_LOCALHOST;
        return ENDPOINT_PART_GOOD;
    }
    if (!address_parse(base, &out->address))
        return ENDPOINT_PART_NO_ADDRESS;
    out->host = ENDPOINT_ADDRESS;
    if (device.len == 0 || out->address.family != FAMILY_IPV6 || !address_is_link_local(out->address))
        return ENDPOINT_PART_GOOD;
    out->device = (struct str){NULL, 0};
    return scope_of(device, out);
}

bool
endpoint_part_protocol(struct str text, enum protocol *out)
{
    for (enum protocol protocol = 0; protocol < PROTOCOL_COUNT; protocol++) {
        struct str name = host_protocol_name(protocol);
        bool family = text.len == name.len + 1 && (text.ptr[name.len] == '4' || text.ptr[name.len] == '6');
        if (!str_equal_nocase(family ? str_part(text, 0, name.len) : text, name))
            continue;
        *out = protocol;
        return true;
    }
    return false;
}

static uint16_t
scheme_port(struct str scheme)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (str_equal_nocase(scheme, schemes[i].scheme))
            return schemes[i].port;
    return 0;
}

static bool
is_scheme(struct str scheme)
{
    for (size_t i = 0; i < scheme.len; i++) {
        char c = scheme.ptr[i];
        if (!ascii_is_letter(c) && (i == 0 || !(ascii_is_digit(c) || c == '+' || c == '-' || c == '.' || c == ':')))
            return false;
    }
    return scheme.len > 0;
}

bool
endpoint_part_read_url(struct str text, struct endpoint_part_url *out)
{
    size_t colon = str_find(text, STR("://"));

    if (colon == SIZE_MAX || !is_scheme(str_part(text, 0, colon)))
        return false;
    struct str scheme = str_part(text, 0, colon);
    // Not found is SIZE_MAX: one more is the start.
    scheme = str_part(scheme, str_find_last_byte(scheme, ':') + 1, SIZE_MAX);
    scheme = str_part(scheme, 0, str_find_byte(scheme, '+'));
    struct str authority = str_part(text, colon + 3, SIZE_MAX);
    for (size_t i = 0; i < authority.len; i++)
        if (authority.ptr[i] == '/' || authority.ptr[i] == '?' || authority.ptr[i] == '#')
            authority.len = i;
    authority = str_part(authority, str_find_last_byte(authority, '@') + 1, SIZE_MAX);
    *out = (struct endpoint_part_url){.authority = authority, .port = scheme_port(scheme)};
    out->has_protocol = endpoint_part_protocol(scheme, &out->protocol);
    return authority.len > 0;
}

bool
endpoint_part_split(struct str authority, struct str *host, struct str *port)
{
    size_t close = str_find_byte(authority, ']');
    size_t colon = str_find_last_byte(authority, ':');
    bool bracketed = str_starts(authority, STR("[")) && close != SIZE_MAX &&
                     (close + 1 == authority.len || authority.ptr[close + 1] == ':');
    bool has_port = colon != SIZE_MAX && (!bracketed || colon == close + 1);

    *host = has_port ? str_part(authority, 0, colon) : authority;
    if (bracketed)
        *host = str_part(authority, 1, close - 1);
    if (has_port)
        *port = str_part(authority, colon + 1, SIZE_MAX);
    return has_port && port->len > 0;
}
