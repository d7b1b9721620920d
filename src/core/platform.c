#include "core/platform.h"

#include "base/buf.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct platform platforms[] = {
    {
        .name = STR_INIT("linux"),
        .title = STR_INIT("the kernel"),
        .error = STR_INIT("{result}"),
        .rules = &conflict_rules_linux,
        .evidence = {{BIND_PLAIN, false}, {BIND_USUAL, false}},
        .evidence_count = 2,
        .strict = BIND_PLAIN,
        .admin = STR_INIT("as root"),
        .service_manager = STR_INIT("systemd"),
        .elevated = STR_INIT("sudo {command}"),
        .as_admin = STR_INIT("sudo {command}"),
        .end = STR_INIT("kill{pids}"),
        .end_pid = STR_INIT(" {pid}"),
        .end_many = STR_INIT("kill $(moorage list --pids {port})"),
        .go_on = STR_INIT("; kill -CONT{pids}"),
        .drop = STR_INIT("ss -K sport = :{port}"),
        .reserve = STR_INIT("sysctl -w net.ipv4.ip_local_reserved_ports={reserved}"),
        .widen = STR_INIT("sysctl -w net.ipv4.ip_local_port_range=\"10240 60999\""),
        .loopback = STR_INIT("ip link set lo up"),
        .link = STR_INIT("ip -d link show {name}"),
        .show_nftables = STR_INIT("nft -a list chain {rule}"),
        .show_iptables = STR_INIT("ip{six}tables-legacy -t nat -S"),
        .words =
            {
                .only_odd = STR_INIT("free for a server that sets SO_REUSEPORT and runs as the same user; no other can "
                                     "use it now"),
                .only_shared = STR_INIT("can be shared by a server that sets SO_REUSEADDR; most UDP servers don't, and "
                                        "can't use it now"),
                .only_usual = STR_INIT("free for most servers; one that does not set SO_REUSEADDR can't use it now"),
                .only_after =
                    STR_INIT("free for most servers; one that does not set SO_REUSEADDR must wait {seconds} s"),
                .lingering_free = STR_INIT("A server that sets SO_REUSEADDR can use the port at once."),
                .lingering_blocks =
                    STR_INIT("SO_REUSEADDR does not help here: it works only where the old socket had set it too."),
                .lingering_code =
                    STR_INIT("Set SO_REUSEADDR in the server before bind(); then its next restart need not wait."),
                .hidden =
                    STR_INIT("A kernel module, a security product or a hidden program may have it; other tools would "
                             "say nothing."),
                .connection_code = STR_INIT("A server that sets SO_REUSEADDR, before and after its restart, is not "
                                            "stopped by its old connections."),
            },
    },
    {
        .name = STR_INIT("windows"),
        .title = STR_INIT("Windows"),
        .error = STR_INIT("error {code}"),
        .rules = &conflict_rules_windows,
        .evidence = {{BIND_USUAL, false}, {BIND_EXCLUSIVE, false}, {BIND_REUSE, true}},
        .evidence_count = 3,
        .strict = BIND_EXCLUSIVE,
        .double_quotes = true,
        .forwards_by_listening = true,
        .admin = STR_INIT("as administrator"),
        .range_maker = STR_INIT("winnat"),
        .service_manager = STR_INIT("windows"),
        .elevated = STR_INIT("{command} --elevate"),
        .end = STR_INIT("taskkill{pids}"),
        .end_pid = STR_INIT(" /PID {pid}"),
        .end_many = STR_INIT("moorage list --pids {port} | ForEach-Object { taskkill /PID $_ }"),
        .reserve = STR_INIT("netsh int ipv4 add excludedportrange protocol={protocol} startport={port} "
                            "numberofports=1 store=persistent"),
        .widen = STR_INIT("netsh int ipv4 set dynamicport {protocol} start=10240 num=55295"),
        .words =
            {
                .only_odd =
                    STR_INIT("free only for a server that sets SO_REUSEADDR, which takes packets from the program "
                             "that has it; no ordinary server can use it now"),
                .only_shared = STR_INIT("free for most servers; one that wants it for itself alone "
                                        "(SO_EXCLUSIVEADDRUSE) can't use it now"),
                .only_usual = STR_INIT("free for most servers; one that wants it for itself alone "
                                       "(SO_EXCLUSIVEADDRUSE) can't use it now"),
                .only_after = STR_INIT("free for most servers; one that wants it for itself alone "
                                       "(SO_EXCLUSIVEADDRUSE) must wait"),
                .lingering_free = STR_INIT("Only a server that sets SO_EXCLUSIVEADDRUSE has to wait."),
                .hidden =
                    STR_INIT("A driver, a security product or a hidden program may have it; other tools would say "
                             "nothing."),
                .lingering_code = STR_INIT("A server that does not set SO_EXCLUSIVEADDRUSE need not wait."),
            },
    },
};

// Stopping a Windows service by Stop-Service needs -Force where others depend on it.
static const struct manager {
    struct str manager;
    struct str stop;
    struct str stop_with_others;
    struct str start;
    struct str disable;
} managers[] = {
    {STR_INIT("systemd"), STR_INIT("systemctl stop {service}"), STR_INIT("systemctl stop {service}"),
     STR_INIT("systemctl start {service}"), STR_INIT("systemctl disable {service}")},
    {STR_INIT("systemd --user"), STR_INIT("systemctl --user stop {service}"),
     STR_INIT("systemctl --user stop {service}"), STR_INIT("systemctl --user start {service}"),
     STR_INIT("systemctl --user disable {service}")},
    {STR_INIT("windows"), STR_INIT("Stop-Service {service}"), STR_INIT("Stop-Service -Force {service}"),
     STR_INIT("Start-Service {service}"), STR_INIT("Set-Service {service} -StartupType Manual")},
};

const struct platform *
platform_of(const struct host *host)
{
    for (size_t i = 0; i < COUNT(platforms); i++)
        if (str_equal(host->platform, platforms[i].name))
            return &platforms[i];
    return &platforms[0];
}

struct str
platform_title_first(struct arena *arena, const struct platform *platform)
{
    struct str title = platform->title;
    char first = title.ptr[0] >= 'a' && title.ptr[0] <= 'z' ? (char)(title.ptr[0] - 'a' + 'A') : title.ptr[0];

    return str_printf(arena, "%c%.*s", first, STR_ARG(str_part(title, 1, SIZE_MAX)));
}

static const struct platform_value *
value_at(struct str rest, const struct platform_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct str name = str_of(values[i].name);
        if (str_starts(rest, name) && rest.len > name.len && rest.ptr[name.len] == '}')
            return &values[i];
    }
    return NULL;
}

struct str
platform_fill(struct arena *arena, struct str template, const struct platform_value *values, size_t count)
{
    struct buf out = {.arena = arena};

    for (size_t i = 0; i < template.len; i++) {
        const struct platform_value *value =
            template.ptr[i] == '{' ? value_at(str_part(template, i + 1, SIZE_MAX), values, count) : NULL;
        if (!value) {
            buf_add_byte(&out, template.ptr[i]);
            continue;
        }
        buf_add(&out, value->value);
        i += str_of(value->name).len + 1;
    }
    return buf_str(&out);
}

struct str
platform_elevate(struct arena *arena, const struct platform *platform, struct str command)
{
    const struct platform_value values[] = {{"command", command}};

    return platform_fill(arena, platform->elevated, values, COUNT(values));
}

struct str
platform_as_admin(struct arena *arena, const struct host *host, struct str command)
{
    const struct platform *platform = platform_of(host);
    const struct platform_value values[] = {{"command", command}};

    if (host->admin || platform->as_admin.len == 0 || command.len == 0)
        return command;
    return platform_fill(arena, platform->as_admin, values, COUNT(values));
}

// "MSSQL$SHOP" means something else to PowerShell without quotes; in these a quote stands twice.
static struct str
quoted(struct arena *arena, struct str name)
{
    struct buf out = {.arena = arena};

    if (name.len > 0 && str_is_plain(name, STR("_-.@:")))
        return name;
    buf_add_byte(&out, '\'');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '\'')
            buf_add_byte(&out, '\'');
        buf_add_byte(&out, name.ptr[i]);
    }
    buf_add_byte(&out, '\'');
    return buf_str(&out);
}

static const struct manager *
manager_of(const struct service *service)
{
    for (size_t i = 0; i < COUNT(managers); i++)
        if (str_equal(service->manager, managers[i].manager))
            return &managers[i];
    return &managers[0];
}

static struct str
fill_service(struct arena *arena, struct str template, const struct service *service)
{
    const struct platform_value values[] = {{"service", quoted(arena, service->name)}};

    return platform_fill(arena, template, values, COUNT(values));
}

struct str
platform_stop_service(struct arena *arena, const struct service *service)
{
    const struct manager *manager = manager_of(service);

    return fill_service(arena, service->dependants.len > 0 ? manager->stop_with_others : manager->stop, service);
}

struct str
platform_start_service(struct arena *arena, const struct service *service)
{
    return fill_service(arena, manager_of(service)->start, service);
}

struct str
platform_disable_service(struct arena *arena, const struct service *service)
{
    return fill_service(arena, manager_of(service)->disable, service);
}
