#!/bin/sh
# The rules that Docker, kube-proxy and people make with iptables: iptables.sh PREFIX, where PREFIX is "legacy" or "nft".
set -e
v4="iptables-$1 -t nat"
v6="ip6tables-$1 -t nat"
$v4 -N DOCKER
$v4 -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
$v4 -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
$v4 -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
$v4 -A DOCKER -i docker0 -j RETURN
$v4 -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
$v4 -A DOCKER -d 127.0.0.1/32 ! -i docker0 -p udp -m udp --dport 5353 -j DNAT --to-destination 172.17.0.3:53
$v4 -N SVC
$v4 -A PREROUTING -d 10.96.0.1/32 -p tcp -m comment --comment "default/kubernetes" -m tcp --dport 443 -j SVC
$v4 -A SVC -m statistic --mode random --probability 0.5 -j DNAT --to-destination 192.168.1.10
$v4 -A SVC -g DOCKER
$v4 -A PREROUTING -p tcp -m tcp --dport 3000 -j REDIRECT --to-ports 4000
$v4 -A PREROUTING -p tcp -m tcp --dport 3010:3020 -j REDIRECT --to-ports 4010-4020
$v4 -A PREROUTING -p tcp -m multiport --dports 21,6000:6010,22 -j REDIRECT --to-ports 1
$v4 -A PREROUTING -p udp -m multiport ! --dports 1:65000 -j REDIRECT --to-ports 2
$v4 -A PREROUTING -p tcp -m tcp ! --dport 2:65535 -j REDIRECT --to-ports 3
$v4 -A PREROUTING -p tcp -m tcp --sport 99 --dport 3001 -j REDIRECT --to-ports 4001
$v4 -A PREROUTING -p tcp -m multiport --sports 98 -m tcp --dport 3002 -j REDIRECT --to-ports 4002
$v4 -A PREROUTING -p tcp -m tcp --syn --dport 3003 -j REDIRECT --to-ports 4003
$v4 -A PREROUTING -p icmp -j REDIRECT
$v4 -A PREROUTING -p tcp -m tcp --dport 3004 -m addrtype ! --dst-type LOCAL -j REDIRECT --to-ports 4004
$v4 -A PREROUTING -p tcp -m tcp --dport 3005
$v4 -A OUTPUT -o lo -p tcp -m tcp --dport 3006 -j REDIRECT --to-ports 4006
$v4 -A PREROUTING ! -p tcp -d 10.5.0.0/16 -j DNAT --to-destination 10.6.0.1
$v6 -A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080
$v6 -A PREROUTING -d fd00::1/128 -p udp -m udp --dport 53 -j DNAT --to-destination [fd00::2]:5353
$v6 -A OUTPUT -d fd00:1::/32 -p tcp -m tcp --dport 81 -j DNAT --to-destination fd00::3
