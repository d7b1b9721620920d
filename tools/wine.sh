#!/bin/sh
# Runs a Windows program under Wine, in a prefix of this folder's own: wine.sh PROGRAM [WORD]...
# Ends what still runs in that prefix: wine.sh --stop
#
# The prefix (WINEPREFIX, build-windows/wine) is made when it is not there yet, as Windows 10. No display is needed, and a
# crash does not start a debugger.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
export WINEPREFIX="${WINEPREFIX:-$root/build-windows/wine}"
export WINEARCH=win64 WINEDEBUG="${WINEDEBUG:--all}"
export WINEDLLOVERRIDES="${WINEDLLOVERRIDES:-mscoree,mshtml=;winedbg.exe=d;winemenubuilder.exe=d}"
unset DISPLAY

if [ "${1:-}" = --stop ]; then
    [ ! -e "$WINEPREFIX/ready" ] || wineserver -k || true
    exit 0
fi

# Several may come at once; one makes it. Its first server lives as long as the prefix is used, or its services would end
# with each program; what inherits an open pipe from here would keep it open, so that it gets none.
if [ ! -e "$WINEPREFIX/ready" ]; then
    mkdir -p "$WINEPREFIX"
    (
        flock 9
        [ ! -e "$WINEPREFIX/ready" ] || exit 0
        wineboot -i 9>&-
        winecfg -v win10 9>&-
        wineserver -w 9>&-
        touch "$WINEPREFIX/ready"
    ) 9>"$WINEPREFIX.lock" </dev/null >"$WINEPREFIX.log" 2>&1 || {
        cat "$WINEPREFIX.log" >&2
        exit 1
    }
fi
wineserver -p </dev/null >/dev/null 2>&1 || true
exec wine "$@"
