#!/bin/sh
# Records anew, in network namespaces of its own, what this kernel tells of the rules in this folder. Needs root, nft and
# iptables. The files are of a little-endian 64-bit machine.
set -e
cd "$(dirname "$0")"
unshare -n sh -ec 'nft -f rules.nft; python3 record.py nft nftables.bin'
unshare -n sh -ec 'sh iptables.sh nft; python3 record.py nft iptables_nft.bin'
unshare -n sh -ec 'sh iptables.sh legacy; python3 record.py ipv4 iptables_ipv4.bin; python3 record.py ipv6 iptables_ipv6.bin'
