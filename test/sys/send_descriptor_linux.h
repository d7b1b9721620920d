#ifndef MOORAGE_TEST_SYS_SEND_DESCRIPTOR_LINUX_H
#define MOORAGE_TEST_SYS_SEND_DESCRIPTOR_LINUX_H

#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

// Passes a descriptor on through a unix socket (SCM_RIGHTS, unix(7)).
static inline bool
send_descriptor(int through, int fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    char byte = 0;
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_len = CMSG_LEN(sizeof fd);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    return sendmsg(through, &message, 0) == 1;
}

#endif
