#ifndef MOORAGE_SYS_NET_H
#define MOORAGE_SYS_NET_H

// Addresses of this host, and ports that the kernel itself holds.
// How the systems differ: Linux asks rtnetlink (rtnetlink(7)): addresses, and links whose kind opens a UDP port (vxlan,
// geneve, wireguard, bareudp, fou, l2tp as far as they tell their port), and /proc/fs/nfsd/portlist and
// rpc information for nfsd. Windows asks GetAdaptersAddresses.

#include "base/arena.h"
#include "base/err.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

// Appends to host->addresses and sets host->ipv6.
bool
net_read_addresses(struct arena *arena, struct host *host, struct err *err);

// Appends to host->kernel_ports. Linux: interfaces are asked only where host->sockets has UDP, which is all they open.
bool
net_read_kernel_ports(struct arena *arena, struct host *host, struct err *err);

// The interface's index, 0 if there is none of that name; and its name, empty if there is none.
uint32_t
net_device_index(struct str name);
struct str
net_device_name(struct arena *arena, uint32_t index);

#endif
