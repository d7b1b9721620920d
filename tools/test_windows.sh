#!/usr/bin/env bash
# Compiles for Windows, with the same warnings, every C file that is the same on all systems (base, decode, core, cmd, main and
# the fake platform). Prints TAP and then `N passed, N failed`.
set -u
cd "$(dirname "$0")/.." || exit 1

compiler=${CC_WINDOWS:-x86_64-w64-mingw32-gcc}
flags=(-std=c17 -O1 -Wall -Wextra -Wpedantic -Werror -Wconversion -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes
    -Wundef -Wpointer-arith -Wwrite-strings -Wformat=2 -D__USE_MINGW_ANSI_STDIO=1 -DMOORAGE_VERSION=\"0\" -Isrc
    -isystem deps/cjson)
passed=0
failed=0
for file in $(tools/sources.sh | grep -v -e '_linux\.c$' -e '_win\.c$'); do
    if said=$("$compiler" "${flags[@]}" -c -o /dev/null "$file" 2>&1); then
        passed=$((passed + 1))
        echo "ok $((passed + failed)) $file"
    else
        failed=$((failed + 1))
        printf '%s\n' "$said" | head -40 | sed 's/^/# /'
        echo "not ok $((passed + failed)) $file"
    fi
done
echo "1..$((passed + failed))"
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 0 ]
