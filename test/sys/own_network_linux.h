#ifndef MOORAGE_TEST_SYS_OWN_NETWORK_LINUX_H
#define MOORAGE_TEST_SYS_OWN_NETWORK_LINUX_H

// Takes the test program into a network namespace of its own, where nothing else opens ports and any number may be used.

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static inline bool
own_network_raise_loopback(void)
{
    struct ifreq request = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    memcpy(request.ifr_name, "lo", 3);
    request.ifr_flags = IFF_UP;
    bool good = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    close(fd);
    return good;
}

// The kernel may reuse a TIME_WAIT of a loopback connection for a new one (tcp_tw_reuse): tests make them to keep.
static inline void
own_network_keep_time_wait(void)
{
    int fd = open("/proc/sys/net/ipv4/tcp_tw_reuse", O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, "0", 1) != 1)
        printf("# tcp_tw_reuse stays as it is\n");
    if (fd >= 0)
        close(fd);
}

// False where that takes a right that this program does not have; then it stays where it is. Done once.
static inline bool
own_network(void)
{
    static int entered = -1;
    if (entered < 0)
        entered =
            (unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0) && own_network_raise_loopback();
    if (entered > 0)
        own_network_keep_time_wait();
    return entered > 0;
}

#endif
