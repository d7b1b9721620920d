#!/usr/bin/env bash
# Builds the fuzzers with clang in build-fuzz and runs each for a while on its corpus:
#     tools/fuzz.sh [--again] [SECONDS IN ALL] [NAME]...
# Two run at a time. What a fuzzer breaks on is left in build-fuzz/found; put it into test/fuzz/corpus once it is mended.
# Each search goes its own way and on from what the ones before it met (build-fuzz/corpus). With --again it begins at
# test/fuzz/corpus and goes the same way each time: what breaks in CI breaks here too, and a longer run here tells beforehand.
set -u
cd "$(dirname "$0")/.." || exit 1

again=
if [ "${1-}" = --again ]; then
    again=1
    shift
fi
seconds=${1:-180}
shift
meson=/usr/bin/meson
[ -x $meson ] || meson=meson

if [ -e build-fuzz/build.ninja ]; then
    $meson setup --reconfigure build-fuzz >/dev/null || exit 1
else
    CC=clang $meson setup build-fuzz -Dfuzz=true --buildtype=debug -Doptimization=1 -Db_sanitize=address,undefined \
        -Db_lundef=false >/dev/null || exit 1
fi
if [ $# = 0 ]; then
    # shellcheck disable=SC2046 # names without blanks
    set -- $(test/list.sh fuzz | sed -E 's|.*/fuzz_(.*)\.c|\1|')
fi
[ $# -gt 0 ] || { echo "There are no fuzzers." >&2; exit 1; }
ninja -C build-fuzz fuzzers >build-fuzz/ninja.log || { cat build-fuzz/ninja.log; exit 1; }

each=$((2 * seconds / $#))
[ $each -ge 1 ] || each=1
export ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1
mkdir -p build-fuzz/found

# fuzz_one NAME SECONDS [AGAIN]
fuzz_one() {
    local name=$1 log=build-fuzz/$1.log
    local from=("build-fuzz/corpus/$name" "test/fuzz/corpus/$name")
    if [ -n "${3-}" ]; then
        # In the order of their names, which a folder read by the fuzzer doesn't have.
        from=(-seed=1 -reload=0 "-seed_inputs=$(printf '%s\n' "test/fuzz/corpus/$name"/* | LC_ALL=C sort | paste -sd,)")
    else
        mkdir -p "build-fuzz/corpus/$name"
    fi
    if "build-fuzz/test/fuzz_$name" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
        -artifact_prefix="build-fuzz/found/$name-" "${from[@]}" >"$log" 2>&1; then
        echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs, nothing found"
    else
        echo "$name: broken"
        tail -60 "$log"
        return 1
    fi
}
export -f fuzz_one
printf '%s\n' "$@" | xargs -P 2 -I NAME bash -c "fuzz_one NAME $each $again"
