#ifndef MOORAGE_DECODE_SYSCTL_H
#define MOORAGE_DECODE_SYSCTL_H

// The kernel's own settings about ports, as /proc/sys writes them (ip-sysctl.rst of the kernel's documentation), and the
// like short files of its NFS server. Only Linux has these.

#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

// "1024\n"
bool
sysctl_parse_number(struct str text, uint64_t *out);

// "32768\t60999\n" (ip_local_port_range)
bool
sysctl_parse_range(struct str text, uint16_t *first, uint16_t *last);

// Cuts the next range off a list such as "8080,9000-9100\n" (ip_local_reserved_ports). False at its end and where it is
// not what it should be.
bool
sysctl_next_range(struct str *rest, uint16_t *first, uint16_t *last);

// One line of /proc/fs/nfsd/portlist (nfsd(7)): "tcp 2049". False for other transports, such as rdma.
bool
sysctl_parse_nfsd_port(struct str line, enum protocol *protocol, uint16_t *port);

#endif
