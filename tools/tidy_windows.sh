#!/bin/sh
# clang's warnings and clang-tidy's checks for files of the Windows build, with mingw-w64's headers: tidy_windows.sh FILE...
cd "$(dirname "$0")/.." || exit 1
exec clang-tidy --quiet "$@" -- --target=x86_64-w64-mingw32 -std=c17 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wvla \
    -Wmissing-prototypes -Wstrict-prototypes -Wundef -Wpointer-arith -Wwrite-strings -Wformat=2 -Wimplicit-fallthrough \
    -D_WIN32_WINNT=0x0A00 -D__USE_MINGW_ANSI_STDIO=1 -DUNICODE -D_UNICODE -DCJSON_HIDE_SYMBOLS '-DMOORAGE_VERSION="0"' \
    -Isrc -isystem deps/cjson
