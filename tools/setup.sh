#!/bin/sh
# Finds out what is missing to build (the others: to do more) and installs it:
#     setup.sh build|test|install|cross|windows|bench|ci
# "cross" is what it takes to build for Windows, "windows" also what it takes to run that here.
#
# Debian and Ubuntu: the apt-get line is printed, then asked for on a terminal (unless root, or CI is set), then run.
# Elsewhere: what is missing is named. cJSON's source comes from the distribution's source package into deps/cjson.
set -eu
cd "$(dirname "$0")/.."

level=${1:-build}
missing=

has() {
    command -v "$1" >/dev/null 2>&1
}

# need PACKAGE CHECK...: the package is missing unless the check holds. What counts is the program or header, however it
# came there.
need() {
    package=$1
    shift
    "$@" || missing="$missing $package"
}

# The system's own Python runs the tools, so that its packages count and not those of another one in PATH.
python=/usr/bin/python3
[ -x $python ] || python=python3

has_glob() {
    for found in "$@"; do
        [ -e "$found" ] && return 0
    done
    return 1
}

# MSYS2 on Windows has its own folder for each of its environments.
prefix=${MINGW_PREFIX:-/usr}

has_compiler() {
    has cc || has gcc || has clang
}

has_cjson() {
    [ -e deps/cjson/cJSON.c ] || [ -e "${MINGW_PREFIX:-/nonexistent}/include/cjson/cJSON.h" ]
}

need_build() {
    need gcc has_compiler
    need libc6-dev has_glob "$prefix/include/stdio.h"
    need make has make
    need meson has meson
    need ninja-build has ninja
    need python3 has $python
    # Compiles the program that Linux' kernel runs; Windows has none.
    [ -n "${MINGW_PREFIX:-}" ] || need clang has clang
    has_cjson || need dpkg-dev has dpkg-source
}

need_test() {
    need gcc has_glob /usr/lib/gcc/*/*/libasan.so
    # One start of Python is slower than all else here, so its package is looked for by its folder first.
    need python3-jsonschema has_glob /usr/lib/python3/dist-packages/jsonschema /usr/lib/python3*/site-packages/jsonschema
    need iproute2 has_sbin ip
    need nftables has_sbin nft
    need iptables has_sbin iptables-legacy
    need util-linux has unshare
    need dbus has dbus-daemon
    need libsystemd0 has_glob /usr/lib/*/libsystemd.so.0 /lib/*/libsystemd.so.0
    need strace has strace
}

has_sbin() {
    has "$1" || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ]
}

need_install() {
    need scdoc has scdoc
}

need_cross() {
    need gcc-mingw-w64-x86-64-win32 has x86_64-w64-mingw32-gcc
    need binutils-mingw-w64-x86-64 has x86_64-w64-mingw32-windres
}

need_windows() {
    need_cross
    need wine has wine
    need wine64 has_glob /usr/lib/wine/wine64 /usr/lib/*/wine/x86_64-unix /usr/lib64/wine
    need python3-jsonschema has_glob /usr/lib/python3/dist-packages/jsonschema /usr/lib/python3*/site-packages/jsonschema
    need util-linux has flock
}

# What moorage is measured against.
need_bench() {
    need nodejs has node
    need npm has npm
    need iproute2 has ss
    need lsof has lsof
    need psmisc has fuser
    need net-tools has netstat
    need strace has strace
    need gnuplot-nox has gnuplot
}

need_ci() {
    need libclang-rt-dev has_glob /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a /usr/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a
    need clang-format has clang-format
    need clang-tidy has clang-tidy
    need cppcheck has cppcheck
    need gcovr has gcovr
    need git has git
    need shellcheck has shellcheck
    need mandoc has mandoc
    # Servers that take a listening socket from us. Those that would start by themselves (nginx-light,
    # prometheus-node-exporter, supervisor) are not brought to anybody's machine: their tests say that they are skipped.
    need gunicorn has gunicorn
    need nodejs has node
}

is_debian_like() {
    has apt-get && [ -r /etc/os-release ] && grep -qE '^ID(_LIKE)?=.*(debian|ubuntu)' /etc/os-release
}

# Whoever sits at a terminal is asked. CI never is; without a terminal nobody is there to answer.
is_refused() {
    [ "$(id -u)" != 0 ] && [ -z "${CI:-}" ] && [ -t 0 ] && [ -t 1 ] || return 1
    printf 'Install them now? [Y/n] '
    read -r answer || answer=n
    case $answer in
    '' | [yY]*) return 1 ;;
    *) return 0 ;;
    esac
}

install_missing() {
    sudo=
    [ "$(id -u)" = 0 ] || sudo='sudo '
    line="${sudo}apt-get install -y --no-install-recommends$missing"
    echo "moorage needs packages that are not here yet:$missing"
    echo "  ${sudo}apt-get update && $line"
    if is_refused; then
        echo "Nothing was installed. Run the line above, then the same make again." >&2
        exit 1
    fi
    if [ -n "$sudo" ] && ! has sudo; then
        echo "There is no sudo here: run that line as root, then the same make again." >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    # A list that can't be refreshed may still be good enough.
    ${sudo:+sudo} apt-get update -q || echo "The package lists could not be refreshed; trying with those that are here." >&2
    # shellcheck disable=SC2086 # several words
    ${sudo:+sudo} env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
}

# The source package comes through a private copy of the system's own sources, so that nothing in /etc changes and no right
# is needed. Distribution patches are applied by dpkg-source.
fetch_cjson() {
    tmp=$(mktemp -d)
    trap 'rm -rf "$tmp"' EXIT
    mkdir -p "$tmp/sources" "$tmp/lists/partial" "$tmp/cache/archives/partial" "$tmp/source"
    chmod 755 "$tmp"
    echo "Fetching the source package of cJSON from this system's own package sources"
    if ! $python tools/source_lists.py /etc/apt "$tmp/sources"; then
        echo "No package sources were found in /etc/apt. Put cJSON.c and cJSON.h (version 1.7) into deps/cjson." >&2
        exit 1
    fi
    set -- -q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$tmp/sources" -o Dir::State::lists="$tmp/lists" \
        -o Dir::Cache="$tmp/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none
    apt-get "$@" update >"$tmp/log" 2>&1 || true
    if ! (cd "$tmp/source" && apt-get "$@" source cjson) >>"$tmp/log" 2>&1; then
        cat "$tmp/log" >&2
        echo "The source package of cJSON could not be fetched. Put cJSON.c and cJSON.h (version 1.7) into deps/cjson." >&2
        exit 1
    fi
    mkdir -p deps
    rm -rf deps/cjson
    mv "$tmp"/source/cjson-*/ deps/cjson
}

case $level in
build) need_build ;;
test) need_build && need_test ;;
install) need_build && need_install ;;
cross) need_build && need_cross ;;
windows) need_build && need_windows ;;
bench) need_build && need_bench ;;
ci) need_build && need_test && need_install && need_windows && need_ci ;;
*)
    echo "usage: setup.sh build|test|install|cross|windows|bench|ci" >&2
    exit 2
    ;;
esac

if [ -n "$missing" ] && ! is_debian_like; then
    echo "moorage needs packages that are not here yet; their names on Debian are:$missing" >&2
    echo "Install what your system calls them, then run the same make again." >&2
    exit 1
fi
[ -z "$missing" ] || install_missing
if ! has_cjson; then
    if ! is_debian_like; then
        echo "Put cJSON.c and cJSON.h of cJSON (version 1.7) into deps/cjson, then run the same make again." >&2
        exit 1
    fi
    fetch_cjson
fi
