#include "decode/forwarder.h"

#include "base/buf.h"
#include "tap.h"

// The command line, given with blanks between the arguments.
static struct str_list
split(struct arena *arena, const char *line)
{
    struct str_list list = {.count = 0};
    struct str rest = str_of(line);
    struct str word;
    while (str_word(&rest, &word))
        *LIST_ADD(arena, &list) = word;
    return list;
}

static bool
parse(struct arena *arena, const char *line, struct forwarder *out)
{
    struct str_list command = split(arena, line);
    return forwarder_parse(arena, &command, out);
}

// "tcp 0.0.0.0 8080-8080 to 172.17.0.2 80", one line for each port; "no forwarder" for another program.
static struct str
ports_of(struct arena *arena, const char *line)
{
    struct forwarder forwarder;
    struct buf out = {.arena = arena};
    if (!parse(arena, line, &forwarder))
        return STR("no forwarder");
    for (size_t i = 0; i < forwarder.ports.count; i++) {
        const struct forwarded_port *port = &forwarder.ports.items[i];
        struct str protocol = host_protocol_name(port->protocol);
        struct str host = address_format(arena, port->host_address);
        struct str to = address_format(arena, port->container_address);
        buf_addf(&out, "%.*s %.*s %u-%u to %.*s %u\n", STR_ARG(protocol), STR_ARG(host), port->first, port->last,
                 STR_ARG(to), port->container_first);
    }
    buf_add_c(&out, forwarder.every_port ? "every\n" : "");
    return buf_str(&out);
}

TEST(docker_proxy_tells_both_ends)
{
    struct forwarder forwarder;
    const char *line = "/usr/bin/docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 "
                       "-container-port 80 -use-listen-fd";
    CHECK(parse(arena, line, &forwarder));
    CHECK_INT(forwarder.kind, FORWARDER_DOCKER_PROXY);
    CHECK_STR(forwarder.runtime, "docker");
    CHECK_STR(forwarder.program, "docker-proxy");
    CHECK_STR(ports_of(arena, line), "tcp 0.0.0.0 8080-8080 to 172.17.0.2 80\n");
    CHECK_STR(ports_of(arena, "docker-proxy --proto=udp --host-ip=[::1] --host-port=53 --container-ip fd00::2 "
                              "--container-port=5353"),
              "udp ::1 53-53 to fd00::2 5353\n");
}

TEST(docker_proxy_with_strange_arguments_tells_no_port)
{
    CHECK_STR(ports_of(arena, "docker-proxy"), "");
    CHECK_STR(ports_of(arena, "docker-proxy -proto sctp -host-ip 0.0.0.0 -host-port 1 -container-port 1"), "");
    CHECK_STR(ports_of(arena, "docker-proxy -proto tcp -host-port 65536"), "");
    CHECK_STR(ports_of(arena, "docker-proxy -proto tcp -host-port 0"), "");
    CHECK_STR(ports_of(arena, "docker-proxy -proto tcp -host-port"), "");
    CHECK_STR(ports_of(arena, "docker-proxy -proto tcp -host-ports 1"), "");
}

TEST(rootlesskit_publishes_before_its_command)
{
    CHECK_STR(ports_of(arena, "rootlesskit --net=slirp4netns -p 127.0.0.1:8080:80/tcp --publish=53:5353/udp "
                              "-p [::1]:1:2/tcp -p x:1/tcp -p 1 -p 3:4/sctp -p 5:6 dockerd-rootless.sh -p 9:9/tcp"),
              "tcp 127.0.0.1 8080-8080 to  80\nudp  53-53 to  5353\ntcp ::1 1-1 to  2\ntcp  5-5 to  6\n");
}

TEST(pasta_has_many_ways_to_name_ports)
{
    CHECK_STR(ports_of(arena, "/usr/bin/pasta --config-net -t 8080-8081:80-81 -u none -T none --quiet --netns /n tap0"),
              "tcp  8080-8081 to  80\n");
    CHECK_STR(ports_of(arena, "pasta.avx2 -t 127.0.0.1/8080:80,22 --udp-ports [::1]%eth0/53"),
              "tcp 127.0.0.1 8080-8080 to  80\ntcp 127.0.0.1 22-22 to  22\nudp ::1 53-53 to  53\n");
    CHECK_STR(ports_of(arena, "pasta --tcp-ports=auto"), "every\n");
    CHECK_STR(ports_of(arena, "pasta -t all"), "every\n");
    CHECK_STR(ports_of(arena, "pasta -t ~22,~23"), "every\n");
    CHECK_STR(ports_of(arena, "pasta -t ~22,80"), "tcp  80-80 to  80\n");
    CHECK_STR(ports_of(arena, "pasta -t 9-8,x,7:y,1:2"), "tcp  1-1 to  2\n");
    struct forwarder forwarder;
    CHECK(parse(arena, "pasta --netns /run/user/1000/netns/n", &forwarder));
    CHECK_STR(forwarder.netns, "/run/user/1000/netns/n");
}

TEST(slirp4netns_tells_whose_network_it_is)
{
    struct forwarder forwarder;
    CHECK(parse(arena, "slirp4netns --mtu=65520 -c --netns-type=path /run/netns/n tap0", &forwarder));
    CHECK_INT(forwarder.kind, FORWARDER_SLIRP4NETNS);
    CHECK_STR(forwarder.netns, "/run/netns/n");
    CHECK(parse(arena, "slirp4netns -c 4711 tap0", &forwarder));
    CHECK_STR(forwarder.netns, "");
}

TEST(conmon_tells_its_container)
{
    struct forwarder forwarder;
    CHECK(parse(arena,
                "/usr/bin/conmon --api-version 1 -c abc123 -u abc123 -r /usr/bin/crun -b /b -n web --exit-dir /e "
                "--exit-command /usr/bin/podman --exit-command-arg -n --exit-command-arg cleanup",
                &forwarder));
    CHECK_STR(forwarder.runtime, "podman");
    CHECK_STR(forwarder.id, "abc123");
    CHECK_STR(forwarder.name, "web");
    CHECK(parse(arena, "conmon --cid abc --name k8s_web_pod_default_1_0", &forwarder));
    CHECK_STR(forwarder.runtime, "cri-o");
    CHECK(parse(arena, "conmon -b x", &forwarder));
    CHECK_STR(forwarder.runtime, "");
}

TEST(a_shim_tells_its_container_and_runtime)
{
    struct forwarder forwarder;
    CHECK(parse(arena, "/usr/bin/containerd-shim-runc-v2 -namespace moby -id 0123 -address /a", &forwarder));
    CHECK_STR(forwarder.runtime, "docker");
    CHECK_STR(forwarder.id, "0123");
    CHECK(parse(arena, "containerd-shim -namespace k8s.io -workdir /var/lib/x/k8s.io/4567", &forwarder));
    CHECK_STR(forwarder.runtime, "kubernetes");
    CHECK_STR(forwarder.id, "4567");
    CHECK(parse(arena, "containerd-shim-runc-v1 -namespace default -id 8", &forwarder));
    CHECK_STR(forwarder.runtime, "containerd");
}

TEST(rootlessport_says_nothing)
{
    struct forwarder forwarder;
    CHECK(parse(arena, "rootlessport-child", &forwarder));
    CHECK_STR(forwarder.runtime, "podman");
    CHECK_INT(forwarder.ports.count, 0);
    CHECK(parse(arena, "rootlessport", &forwarder));
}

TEST(short_name_tells_whether_it_may_be_one)
{
    CHECK(forwarder_may_be(STR("docker-proxy")));
    CHECK(forwarder_may_be(STR("containerd-shim")));
    CHECK(forwarder_may_be(STR("rootlesskit-doc")));
    CHECK(forwarder_may_be(STR("exe")));
    CHECK(!forwarder_may_be(STR("node")));
    CHECK(!forwarder_may_be(STR("docker")));
    CHECK(!forwarder_may_be(STR("")));
}

TEST(other_programs_are_none)
{
    CHECK_STR(ports_of(arena, ""), "no forwarder");
    CHECK_STR(ports_of(arena, "nginx docker-proxy"), "no forwarder");
    CHECK_STR(ports_of(arena, "docker-proxy/"), "no forwarder");
}

TEST(a_socket_belongs_to_the_port_that_fits)
{
    struct forwarder forwarder;
    CHECK(parse(arena, "pasta -t 127.0.0.1/80,8000-8010 -u 0.0.0.0/53", &forwarder));
    CHECK(forwarder_port(&forwarder, PROTOCOL_TCP, address_ipv4(127, 0, 0, 1), 8005));
    CHECK(forwarder_port(&forwarder, PROTOCOL_MPTCP, address_ipv4(127, 0, 0, 1), 80));
    CHECK(!forwarder_port(&forwarder, PROTOCOL_TCP, address_ipv4(127, 0, 0, 2), 80));
    CHECK(!forwarder_port(&forwarder, PROTOCOL_TCP, address_ipv4(127, 0, 0, 1), 8011));
    CHECK(!forwarder_port(&forwarder, PROTOCOL_TCP, address_ipv4(127, 0, 0, 1), 53));
    CHECK(forwarder_port(&forwarder, PROTOCOL_UDP, address_ipv4(10, 0, 0, 1), 53));
    CHECK(!forwarder_port(&forwarder, PROTOCOL_UDP, address_loopback(FAMILY_IPV6), 53));
    CHECK(parse(arena, "pasta -t 80", &forwarder));
    CHECK(forwarder_port(&forwarder, PROTOCOL_TCP, address_any(FAMILY_IPV6), 80));
}

TAP_MAIN
