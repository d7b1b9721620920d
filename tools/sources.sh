#!/bin/sh
# Lists the C files under src, sorted, for the build.
cd "$(dirname "$0")/.." && find src -name '*.c' | LC_ALL=C sort
