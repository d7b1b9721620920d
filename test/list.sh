#!/bin/sh
# Lists the tests of one kind, sorted, for the build: unit (C programs), fuzz (entry points of fuzzers), e2e and tools
# (programs that print TAP).
cd "$(dirname "$0")" || exit 1
case $1 in
unit) find base decode sys core cmd -name '*.c' 2>/dev/null ;;
fuzz) find fuzz -name 'fuzz_*.c' 2>/dev/null ;;
e2e | tools) find "$1" -name 'test_*.py' 2>/dev/null ;;
*) exit 2 ;;
esac | LC_ALL=C sort
