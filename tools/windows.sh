#!/bin/sh
# Builds for Windows with mingw-w64: windows.sh [--folder FOLDER] [-OPTION]... [TARGET]...
#
# Without a target, everything. Options are Meson's ("-Dpartial=true" while a platform's files are not all there); they
# count when the folder (build-windows) is made.
set -eu
cd "$(dirname "$0")/.."
meson=/usr/bin/meson
[ -x $meson ] || meson=meson
folder=build-windows
if [ "${1:-}" = --folder ]; then
    folder=$2
    shift 2
fi
options=
while [ $# -gt 0 ]; do
    case $1 in
    -*) options="$options $1" ;;
    *) break ;;
    esac
    shift
done

# The lists of sources and tests are read when Meson configures: a file that came or went asks for that again.
mkdir -p "$folder"
{ tools/sources.sh && find test -name '*.[ch]' -o -name 'test_*.py' | LC_ALL=C sort; } >"$folder/sources.new"
if ! cmp -s "$folder/sources.new" "$folder/sources.txt" || [ ! -e "$folder/build.ninja" ]; then
    # What depends on this folder and this machine, and so can't stand in cross/mingw64.ini.
    {
        echo "[binaries]"
        echo "exe_wrapper = '$PWD/tools/wine.sh'"
        ! command -v ccache >/dev/null || echo "c = ['ccache', 'x86_64-w64-mingw32-gcc']"
    } >"$folder/here.ini"
    again=
    [ ! -e "$folder/meson-private/coredata.dat" ] || again=--reconfigure
    # shellcheck disable=SC2086 # several words
    said=$($meson setup $again --cross-file cross/mingw64.ini --cross-file "$folder/here.ini" --buildtype=release $options \
        "$folder" 2>&1) || {
        printf '%s\n' "$said"
        rm -f "$folder/build.ninja"
        exit 1
    }
    mv "$folder/sources.new" "$folder/sources.txt"
fi
ninja -C "$folder" "$@" >"$folder/ninja.log" || {
    cat "$folder/ninja.log"
    exit 1
}
