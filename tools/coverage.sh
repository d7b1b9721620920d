#!/usr/bin/env bash
# Builds in build-coverage, runs the unit tests of the pure layers, and fails where a layer has less than 95 % of its lines
# covered. Prints one line a layer, and the files that lack lines.
set -u
cd "$(dirname "$0")/.." || exit 1

least=95
meson=/usr/bin/meson
[ -x $meson ] || meson=meson
if [ -e build-coverage/build.ninja ]; then
    $meson setup --reconfigure build-coverage >/dev/null || exit 1
else
    $meson setup build-coverage --buildtype=debug -Db_coverage=true >/dev/null || exit 1
fi
ninja -C build-coverage meson-test-prereq >build-coverage/ninja.log || { cat build-coverage/ninja.log; exit 1; }
find build-coverage -name '*.gcda' -delete
$meson test -C build-coverage --no-rebuild --quiet --suite base --suite decode --suite core >build-coverage/test.log 2>&1 ||
    { cat build-coverage/test.log; exit 1; }

bad=0
for layer in base decode core; do
    report=$(gcovr --root . --filter "src/$layer/" --exclude-throw-branches --fail-under-line $least build-coverage 2>/dev/null)
    code=$?
    percent=$(printf '%s\n' "$report" | awk '$1 == "TOTAL" { print $4 }')
    echo "$layer: ${percent:-nothing} of the lines are covered"
    if [ $code != 0 ] || [ -z "$percent" ]; then
        bad=1
        printf '%s\n' "$report" | grep -E '^src/' | grep -v '100%'
    fi
done
exit $bad
