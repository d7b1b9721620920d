#include "core/services.h"

enum {
    T = 1,
    U = 2,
    B = T | U,
};

// Names as the IANA Service Name and Port Number Registry or services(5) of Debian has them; those that are in neither
// are the default ports that the projects document. The first name of a port is its usual one. No name here is only a
// program's ("nginx"): such a word asks for the program.
static const struct {
    struct str name;
    uint16_t port;
    unsigned protocols;
} builtin[] = {
    {STR_INIT("echo"), 7, B},
    {STR_INIT("discard"), 9, B},
    {STR_INIT("daytime"), 13, T},
    {STR_INIT("chargen"), 19, B},
    {STR_INIT("ftp-data"), 20, T},
    {STR_INIT("ftp"), 21, T},
    {STR_INIT("ssh"), 22, T},
    {STR_INIT("telnet"), 23, T},
    {STR_INIT("smtp"), 25, T},
    {STR_INIT("time"), 37, B},
    {STR_INIT("whois"), 43, T},
    {STR_INIT("tacacs"), 49, B},
    {STR_INIT("domain"), 53, B},
    {STR_INIT("dns"), 53, B},
    {STR_INIT("bootps"), 67, U},
    {STR_INIT("dhcp"), 67, U},
    {STR_INIT("bootpc"), 68, U},
    {STR_INIT("tftp"), 69, U},
    {STR_INIT("gopher"), 70, T},
    {STR_INIT("finger"), 79, T},
    {STR_INIT("http"), 80, T},
    {STR_INIT("www"), 80, T},
    {STR_INIT("kerberos"), 88, B},
    {STR_INIT("pop3"), 110, T},
    {STR_INIT("sunrpc"), 111, B},
    {STR_INIT("rpcbind"), 111, B},
    {STR_INIT("portmapper"), 111, B},
    {STR_INIT("ident"), 113, T},
    {STR_INIT("auth"), 113, T},
    {STR_INIT("nntp"), 119, T},
    {STR_INIT("ntp"), 123, U},
    {STR_INIT("epmap"), 135, B},
    {STR_INIT("netbios-ns"), 137, U},
    {STR_INIT("netbios-dgm"), 138, U},
    {STR_INIT("netbios-ssn"), 139, T},
    {STR_INIT("imap"), 143, T},
    {STR_INIT("imap2"), 143, T},
    {STR_INIT("snmp"), 161, B},
    {STR_INIT("snmp-trap"), 162, B},
    {STR_INIT("snmptrap"), 162, B},
    {STR_INIT("xdmcp"), 177, U},
    {STR_INIT("bgp"), 179, T},
    {STR_INIT("irc"), 194, B},
    {STR_INIT("ldap"), 389, B},
    {STR_INIT("https"), 443, B},
    {STR_INIT("microsoft-ds"), 445, B},
    {STR_INIT("smb"), 445, T},
    {STR_INIT("kpasswd"), 464, B},
    {STR_INIT("submissions"), 465, T},
    {STR_INIT("smtps"), 465, T},
    {STR_INIT("isakmp"), 500, U},
    {STR_INIT("exec"), 512, T},
    {STR_INIT("login"), 513, T},
    {STR_INIT("shell"), 514, T},
    {STR_INIT("syslog"), 514, U},
    {STR_INIT("printer"), 515, T},
    {STR_INIT("route"), 520, U},
    {STR_INIT("uucp"), 540, T},
    {STR_INIT("dhcpv6-client"), 546, U},
    {STR_INIT("dhcpv6-server"), 547, U},
    {STR_INIT("rtsp"), 554, B},
    {STR_INIT("nntps"), 563, T},
    {STR_INIT("submission"), 587, T},
    {STR_INIT("ipp"), 631, B},
    {STR_INIT("ldaps"), 636, B},
    {STR_INIT("kerberos-adm"), 749, T},
    {STR_INIT("domain-s"), 853, B},
    {STR_INIT("rsync"), 873, T},
    {STR_INIT("ftps"), 990, T},
    {STR_INIT("imaps"), 993, T},
    {STR_INIT("pop3s"), 995, T},
    {STR_INIT("socks"), 1080, T},
    {STR_INIT("openvpn"), 1194, B},
    {STR_INIT("ms-sql-s"), 1433, T},
    {STR_INIT("mssql"), 1433, T},
    {STR_INIT("ms-sql-m"), 1434, U},
    {STR_INIT("oracle"), 1521, T},
    {STR_INIT("l2tp"), 1701, U},
    {STR_INIT("pptp"), 1723, T},
    {STR_INIT("radius"), 1812, U},
    {STR_INIT("radius-acct"), 1813, U},
    {STR_INIT("mqtt"), 1883, T},
    {STR_INIT("ssdp"), 1900, U},
    {STR_INIT("nfs"), 2049, B},
    {STR_INIT("zookeeper"), 2181, T},
    {STR_INIT("docker"), 2375, T},
    {STR_INIT("docker-s"), 2376, T},
    {STR_INIT("etcd-client"), 2379, T},
    {STR_INIT("etcd-server"), 2380, T},
    {STR_INIT("iscsi-target"), 3260, T},
    {STR_INIT("mysql"), 3306, T},
    {STR_INIT("mariadb"), 3306, T},
    {STR_INIT("ms-wbt-server"), 3389, B},
    {STR_INIT("rdp"), 3389, B},
    {STR_INIT("stun"), 3478, B},
    {STR_INIT("turn"), 3478, B},
    {STR_INIT("svn"), 3690, T},
    {STR_INIT("epmd"), 4369, T},
    {STR_INIT("ipsec-nat-t"), 4500, U},
    {STR_INIT("vxlan"), 4789, U},
    {STR_INIT("sip"), 5060, B},
    {STR_INIT("sips"), 5061, B},
    {STR_INIT("vite"), 5173, T},
    {STR_INIT("xmpp-client"), 5222, T},
    {STR_INIT("xmpp-server"), 5269, T},
    {STR_INIT("mdns"), 5353, U},
    {STR_INIT("llmnr"), 5355, B},
    {STR_INIT("postgresql"), 5432, T},
    {STR_INIT("postgres"), 5432, T},
    {STR_INIT("amqps"), 5671, T},
    {STR_INIT("amqp"), 5672, T},
    {STR_INIT("rabbitmq"), 5672, T},
    {STR_INIT("vnc"), 5900, T},
    {STR_INIT("rfb"), 5900, T},
    {STR_INIT("couchdb"), 5984, T},
    {STR_INIT("winrm"), 5985, T},
    {STR_INIT("x11"), 6000, T},
    {STR_INIT("redis"), 6379, T},
    {STR_INIT("kubernetes"), 6443, T},
    {STR_INIT("ircs-u"), 6697, T},
    {STR_INIT("cassandra"), 9042, T},
    {STR_INIT("http-alt"), 8080, B},
    {STR_INIT("webcache"), 8080, T},
    {STR_INIT("puppet"), 8140, T},
    {STR_INIT("https-alt"), 8443, T},
    {STR_INIT("secure-mqtt"), 8883, T},
    {STR_INIT("mqtts"), 8883, T},
    {STR_INIT("kafka"), 9092, T},
    {STR_INIT("jetdirect"), 9100, T},
    {STR_INIT("elasticsearch"), 9200, T},
    {STR_INIT("git"), 9418, T},
    {STR_INIT("webmin"), 10000, T},
    {STR_INIT("kubelet"), 10250, T},
    {STR_INIT("zabbix-agent"), 10050, T},
    {STR_INIT("zabbix-trapper"), 10051, T},
    {STR_INIT("memcached"), 11211, B},
    {STR_INIT("memcache"), 11211, B},
    {STR_INIT("minecraft"), 25565, T},
    {STR_INIT("mongodb"), 27017, T},
    {STR_INIT("wireguard"), 51820, U},
};

static unsigned
protocol_bit(enum protocol protocol)
{
    if (host_same_ports(protocol, PROTOCOL_TCP))
        return T;
    return protocol == PROTOCOL_UDP ? U : 0;
}

// One line of services(5): NAME PORT/PROTOCOL [ALIAS ...] [# comment]
static void
parse_line(struct arena *arena, struct str line, struct service_table *out)
{
    struct str rest;
    struct str name;
    struct str number;
    struct str alias;
    enum protocol protocol;
    uint64_t port = 0;

    str_cut(&line, '#', &rest);
    if (!str_word(&rest, &name) || !str_word(&rest, &alias))
        return;
    if (!str_cut(&alias, '/', &number) || !str_to_u64(number, 10, &port) || port == 0 || port > UINT16_MAX)
        return;
    if (!host_protocol_parse(alias, &protocol))
        return;
    do {
        *LIST_ADD(arena, out) = (struct service_name){name, protocol, (uint16_t)port};
    } while (str_word(&rest, &name));
}

void
services_parse(struct arena *arena, struct str file, struct service_table *out)
{
    struct str line;

    while (str_cut(&file, '\n', &line))
        parse_line(arena, line, out);
}

static unsigned
find_in(const struct service_table *table, struct str name, uint16_t *port)
{
    unsigned protocols = 0;

    for (size_t i = 0; i < table->count; i++) {
        const struct service_name *item = &table->items[i];
        unsigned bit = protocol_bit(item->protocol);
        if (bit == 0 || !str_equal_nocase(item->name, name))
            continue;
        // A name may stand for several ports; the first one in the file is what getservbyname(3) gives.
        if (protocols == 0)
            *port = item->port;
        if (item->port == *port)
            protocols |= bit;
    }
    return protocols;
}

static unsigned
find_in_text(const struct service_table *table, struct str name, uint16_t *port)
{
    struct arena *scratch = arena_open();
    struct service_table read = {.count = 0};

    services_parse(scratch, table->read(scratch), &read);
    unsigned protocols = find_in(&read, name, port);
    arena_close(scratch);
    return protocols;
}

bool
services_find(const struct service_table *table, struct str name, uint16_t *port, bool *tcp, bool *udp)
{
    unsigned protocols = table ? find_in(table, name, port) : 0;

    if (protocols == 0 && table && table->read)
        protocols = find_in_text(table, name, port);
    for (size_t i = 0; protocols == 0 && i < sizeof builtin / sizeof *builtin; i++) {
        if (!str_equal_nocase(builtin[i].name, name))
            continue;
        *port = builtin[i].port;
        protocols = builtin[i].protocols;
    }
    if (protocols == 0)
        return false;
    *tcp = (protocols & T) != 0;
    *udp = (protocols & U) != 0;
    return true;
}
