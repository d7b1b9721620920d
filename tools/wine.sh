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

if [ "${1:-}" = --stop ]; then
    [ ! -e "$WINEPREFIX/ready" ] || wineserver -k || true
    exit 0
fi

# Several may come at once; one makes the prefix and starts its server, which then lives until --stop, or its services would
# end with each program. Windows' own services are started here and now: started later by a program under test, they would
# keep its pipes open. What inherits an open pipe from here would keep that open, so that it gets none.
mkdir -p "$WINEPREFIX"
(
    flock 9
    if [ ! -e "$WINEPREFIX/ready" ]; then
        wineboot -i 9>&- && winecfg -v win10 9>&- && wineserver -w 9>&- && touch "$WINEPREFIX/ready" || exit 1
    fi
    # It ends with 2 where there is a server already.
    if wineserver -p 9>&-; then
        wine wineboot 9>&-
    fi
) 9>"$WINEPREFIX.lock" </dev/null >"$WINEPREFIX.log" 2>&1 || {
    cat "$WINEPREFIX.log" >&2
    exit 1
}
exec wine "$@"
