#!/bin/sh
# Lists the C unit tests, sorted, for the build.
cd "$(dirname "$0")" && find base decode sys core cmd -name '*.c' 2>/dev/null | LC_ALL=C sort
