#!/bin/sh
# Runs a Windows program under Wine, in a prefix of this folder's own: wine.sh PROGRAM [WORD]...
# Ends what still runs in that prefix: wine.sh --stop
#
# The prefix (WINEPREFIX, build-windows/wine) is made when it is not there yet, as Windows 10. No display is needed, and a
# crash does not start a debugger. Nor does a program start the desktop (explorer), which would inherit its pipes and keep them
# open for as long as any program runs.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
export WINEPREFIX="${WINEPREFIX:-$root/build-windows/wine}"
export WINEARCH=win64 WINEDEBUG="${WINEDEBUG:--all}"
export WINEDLLOVERRIDES="${WINEDLLOVERRIDES:-mscoree,mshtml=;winedbg.exe=d;winemenubuilder.exe=d;explorer.exe=d}"
unset DISPLAY

mkdir -p "$WINEPREFIX"

# Whether the server that start() made runs: one that has ended has no command line, and its number may be used again.
lives() {
    server=$(cat "$WINEPREFIX/started" 2>/dev/null) && grep -qa wineserver "/proc/$server/cmdline" 2>/dev/null
}

# What is started now is the first program of its server, and with it start the services of Windows, whose error output then
# is its own: so that is never a program under test, whose pipes would stay open. The server is started here and lives until
# --stop: one that a program starts for itself ends as soon as nothing runs, and what starts just then ends with it. Such a
# one, or one on its way out, still has the lock when ours does not stay.
start() {
    if [ ! -e "$WINEPREFIX/ready" ]; then
        wineboot -i && winecfg -v win10 && wineserver -w && touch "$WINEPREFIX/ready" || return 1
    fi
    for _ in 1 2 3 4 5; do
        ! lives || return 0
        wineserver -w
        setsid wineserver -f -p &
        echo $! >"$WINEPREFIX/started"
        wine wineboot || return 1
    done
    lives
}

stop() {
    rm -f "$WINEPREFIX/started"
    [ ! -e "$WINEPREFIX/ready" ] || { wineserver -k; wineserver -w; }
}

# Several may come at once. What inherits an open pipe or the lock from here would keep it, so that it gets none.
one_at_a_time() {
    (flock 9 && "$1" 9>&-) 9>"$WINEPREFIX.lock" </dev/null >"$WINEPREFIX.log" 2>&1
}

if [ "${1:-}" = --stop ]; then
    one_at_a_time stop || true
    exit 0
fi
one_at_a_time start || {
    cat "$WINEPREFIX.log" >&2
    exit 1
}
exec wine "$@"
