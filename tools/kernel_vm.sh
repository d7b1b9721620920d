#!/usr/bin/env bash
# Runs the tests of what is asked of the kernel on another kernel, in a virtual machine that has nothing else:
#
#     tools/kernel_vm.sh linux-image-6.1.0-56-cloud-amd64
#
# Takes the name of a Debian package with a kernel, which is fetched and not installed. Needs qemu-system-x86, busybox-static
# and a build in build-debug (make test). Prints TAP; of tests that passed, only how many they are.
set -eu
cd "$(dirname "$0")/.."
[ $# = 1 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2; }
tests="owner_bpf owner_task socket_owner port_view owner_cache owner_inside owner_differ socket_watch"
inside="owner_bpf owner_differ socket_owner"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(cd "$work" && apt-get download "$1" >/dev/null 2>&1) || { echo "kernel_vm.sh: there is no package $1" >&2; exit 1; }
dpkg -x "$work"/*.deb "$work/kernel"
root=$work/root
mkdir -p "$root"/{bin,lib64,lib/x86_64-linux-gnu,usr/bin,proc,sys,dev,tmp,run,etc,var/lib,modules,tests}
cp "$(type -P busybox)" "$root/bin/busybox"
for name in sh mount mkdir grep insmod ifconfig poweroff uname sleep; do ln -s busybox "$root/bin/$name"; done
cp "$(type -P unshare)" "$(type -P true)" "$root/usr/bin/"
sed 's|unshare --pid|/usr/bin/unshare --pid|' test/inside.sh >"$root/tests/inside.sh"
for name in $tests; do cp "build-debug/test/test_sys_${name}_linux" "$root/tests/$name"; done
cp build-debug/moorage "$root/tests/moorage"
for file in "$root"/tests/* "$root"/usr/bin/*; do ldd "$file" 2>/dev/null || true; done | grep -o '/lib[^ ]*' | sort -u |
    while read -r library; do [ ! -f "$library" ] || cp -L "$library" "$root$(dirname "$library" | sed 's|^/usr||')/"; done
find "$work/kernel" -name '*_diag.ko*' -exec cp {} "$root/modules/" \;
find "$root/modules" -name '*.xz' -exec xz -d {} \;

cat >"$root/init" <<INIT
#!/bin/sh
export PATH=/bin:/usr/bin ASAN_OPTIONS=detect_leaks=0
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp; mount -t tmpfs run /run
mkdir -p /dev/pts; mount -t devpts devpts /dev/pts; mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t tracefs tracing /sys/kernel/tracing
for name in inet_diag tcp_diag udp_diag unix_diag mptcp_diag; do [ ! -e /modules/\$name.ko ] || insmod /modules/\$name.ko; done
ifconfig lo 127.0.0.1 up
echo root:x:0:0::/:/bin/sh >/etc/passwd
echo; echo "# Linux \$(uname -r)"
/tests/moorage doctor
for name in $tests; do echo "# \$name"; /tests/\$name | grep -v '^ok [^#]*\$'; done
for name in $inside; do echo "# \$name inside"; sh /tests/inside.sh /tests/\$name | grep -v '^ok [^#]*\$'; done
echo "# end"
poweroff -f
INIT
chmod +x "$root/init"
(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$work/initrd"
timeout 600 qemu-system-x86_64 -accel tcg -cpu qemu64 -m 2048 -nographic -no-reboot -kernel "$work"/kernel/boot/vmlinuz-* \
    -initrd "$work/initrd" -append "console=ttyS0 quiet panic=-1" </dev/null | tr -d '\r' | sed -n '/^# Linux/,$p' >"$work/log"
cat "$work/log"
grep -q '^# end' "$work/log" && ! grep -q '^not ok' "$work/log"
