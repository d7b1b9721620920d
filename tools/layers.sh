#!/usr/bin/env bash
# Checks the rules of the house that no compiler knows, and prints TAP, one test a rule.
#
#     tools/layers.sh [FOLDER]        checks a source tree (this one)
#     tools/layers.sh --self-test     shows for each rule that it can fail
set -u

layers=(base decode sys core serve cmd)
# What ISO C gives on every system; everything else is an OS header. (ISO C's own signal.h and threads.h are left out: what
# they promise is too little, and the rest of them is the system's.)
iso='(assert|ctype|errno|float|inttypes|limits|math|setjmp|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|time)\.h'
free_headers="^(${iso}|cJSON\.h|sanitizer/asan_interface\.h)\$"

# C files of the tree below one of the folders, one a line.
c_files() {
    local folder
    for folder in "$@"; do
        [ -d "$folder" ] && find "$folder" -name '*.[ch]'
    done | LC_ALL=C sort
}

# All files that people write.
own_files() {
    local list
    list=$(git ls-files --cached --others --exclude-standard 2>/dev/null)
    [ -n "$list" ] || list=$(find . -type f | sed 's|^\./||')
    printf '%s\n' "$list" | grep -v -e '^test/data/' -e '^test/fuzz/corpus/' | LC_ALL=C sort | while read -r file; do
        [ -f "$file" ] && printf '%s\n' "$file"
    done
}

# The code of the C files named on stdin as FILE:LINE:CODE: literals emptied, comments gone.
code() {
    # shellcheck disable=SC2016
    xargs -r -d '\n' awk '{
        gsub(/"([^"\\]|\\.)*"/, "\"\"")
        gsub(/\047([^\047\\]|\\.)+\047/, "\047 \047")
        gsub(/\/\/.*/, "")
        gsub(/\/\*([^*]|\*[^\/])*\*\//, "")
        print FILENAME ":" FNR ":" $0
    }'
}

# Lines of code, of the files on stdin, in which the pattern stands.
find_code() {
    code | grep -P "^[^:]+:\d+:.*?(?:$1)"
}

# The #include lines of the files on stdin, as FILE:LINE:#include ... with names as they are written.
includes() {
    xargs -r -d '\n' grep -HnE '^[[:space:]]*#[[:space:]]*include\b'
}

declare -A layer_number
for i in "${!layers[@]}"; do
    layer_number[${layers[$i]}]=$i
done

includes_go_left() {
    local file line name own theirs
    c_files src | includes | grep '"' | while IFS=: read -r file line name; do
        name=${name#*\"}
        name=${name%%\"*}
        own=${file#src/}
        case $own in
        */*) own=${layer_number[${own%%/*}]:-98} ;;
        *) own=98 ;;
        esac
        theirs=${layer_number[${name%%/*}]:-99}
        if [[ $name != */* ]]; then
            echo "$file:$line: \"$name\" lacks its layer"
        elif [ ! -f "src/$name" ]; then
            echo "$file:$line: src/$name is not there"
        elif [ "$theirs" -gt "$own" ]; then
            echo "$file:$line: $name stands to the right of this file's layer"
        fi
    done
}

own_header_comes_first() {
    local file line name header last=
    c_files src | grep '\.c$' | includes | while IFS=: read -r file line name; do
        [ "$file" = "$last" ] && continue
        last=$file
        case $file in
        *_linux.c | *_win.c | *_fake.c) header=${file%_*}.h ;;
        *) header=${file%.c}.h ;;
        esac
        if [ -f "$header" ] && [[ $name != *"\"${header#src/}\""* ]]; then
            echo "$file:$line: does not include ${header#src/} first"
        fi
    done
}

os_headers_stay_in_their_files() {
    local file line name
    c_files src | grep -v -e '_linux\.[ch]$' -e '_win\.[ch]$' | includes | grep '<' | while IFS=: read -r file line name; do
        name=${name#*<}
        name=${name%%>*}
        [[ $name =~ $free_headers ]] || echo "$file:$line: <$name> is no header of every system"
    done
}

nobody_asks_which_system_it_is() {
    c_files src test | find_code '#\s*(el)?if.*\b(_?_?WIN(32|64)?(__)?|_WIN\w*|__?linux(__)?|linux|__?unix(__)?|unix|__APPLE__|__MACH__|_MSC_VER|__MINGW\w*|__CYGWIN__|__\w*BSD__|__ANDROID__|_POSIX\w*)\b'
}

unsafe_functions_are_not_called() {
    c_files src test | find_code '\b(strcpy|strcat|sprintf|vsprintf|strtok|strncpy|strncat|atoi|atol|gets|alloca)\s*\('
}

memory_comes_from_the_arena() {
    c_files src | grep -v '^src/base/arena\.c$' | find_code '\b(malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf)\s*\('
}

only_commands_print() {
    c_files src | grep -v -e '^src/cmd/' -e '^src/serve/' -e '^src/main\.c$' -e '^src/base/arena\.c$' -e '_fake\.c$' |
        find_code '\b(printf|vprintf|puts|putchar|perror)\s*\(|\b(stdout|stderr)\b'
}

# compile_alone COMPILER: the headers named on stdin.
compile_alone() {
    xargs -r -d '\n' -P 2 -I HEADER "$1" -std=c17 -Wall -Wextra -Wpedantic -fsyntax-only -Isrc \
        -isystem "${CJSON:-deps/cjson}" -x c -include HEADER /dev/null 2>&1 | grep -E 'error|warning'
}

# Each by the compiler of its system. Without one for Windows, `make test-windows` has yet to tell.
headers_compile_alone() {
    local windows=${CC_WINDOWS:-x86_64-w64-mingw32-gcc}
    c_files src | grep '\.h$' | grep -v '_win\.h$' | compile_alone "${CC:-cc}"
    ! command -v "$windows" >/dev/null || c_files src | grep '_win\.h$' | compile_alone "$windows"
}

files_are_short() {
    # A test file mirrors its source file and is a list: it may be longer.
    own_files | grep -E '\.(c|h|py|sh)$' | grep -v '_ranges\.c$' | xargs -r -d '\n' awk '
        FNR == 1 && NR > 1 { tell() }
        { file = FILENAME; lines = FNR }
        END { tell() }
        function tell(most) {
            most = file ~ /^test\// ? 1000 : 700
            if (lines > most)
                print file ": " lines " lines, more than " most
            else if (lines > most - 200)
                print "warning: " file " has " lines " lines; about " most - 200 " tell one story"
        }'
}

# The marks are spelt in pieces, so that this file does not find itself.
nothing_is_left_to_do() {
    local mark='\b(TO''DO|FIX''ME|XX''X|HA''CK)\b'
    own_files | xargs -r -d '\n' grep -nHIP "$mark"
}

no_machine_is_named() {
    local place='(?<![\w.$}~])/wo''rk/\w|/tmp/b''-\w' home='(?<![\w.$}~])/(ro''ot|ho''me)/(?!ann\b|ben\b|user\b|you\b)\w'
    own_files | xargs -r -d '\n' grep -nHIP "$place"
    # Tests have people of their own.
    own_files | grep -v '^test/' | xargs -r -d '\n' grep -nHIP "$home"
}

no_registry_is_named() {
    local host='\b(deb\.deb''ian\.org|security\.deb''ian\.org|archive\.ubu''ntu\.com|registry\.npm''js|files\.python''hosted)'
    own_files | xargs -r -d '\n' grep -nHIP "$host"
}

rules=(includes_go_left own_header_comes_first os_headers_stay_in_their_files nobody_asks_which_system_it_is
    unsafe_functions_are_not_called memory_comes_from_the_arena only_commands_print headers_compile_alone files_are_short
    nothing_is_left_to_do no_machine_is_named no_registry_is_named)

# Runs one rule; what it finds becomes comments. Warnings do not fail.
check() {
    local found
    found=$("$1")
    [ -n "$found" ] && printf '%s\n' "$found" | sed 's/^/# /'
    ! printf '%s\n' "$found" | grep -v '^warning: ' | grep -q .
}

check_tree() {
    local number=0 failed=0 rule
    echo "1..${#rules[@]}"
    for rule in "${rules[@]}"; do
        number=$((number + 1))
        if check "$rule"; then
            echo "ok $number $rule"
        else
            echo "not ok $number $rule"
            failed=1
        fi
    done
    return $failed
}

# Each row: the rule, the file that breaks it, the file's text.
breaches() {
    cat <<'END'
includes_go_left|src/base/a.c|#include "core/b.h"
includes_go_left|src/base/a.c|#include "c.h"
includes_go_left|src/base/a.c|#include "base/missing.h"
own_header_comes_first|src/base/c.c|#include <stdio.h>
own_header_comes_first|src/base/c_linux.c|#include <stdio.h>
os_headers_stay_in_their_files|src/core/a.c|#include <unistd.h>
os_headers_stay_in_their_files|src/decode/a.h|  #  include <sys/socket.h>
os_headers_stay_in_their_files|src/sys/a_fake.c|#include <windows.h>
nobody_asks_which_system_it_is|src/core/a.c|#ifdef _WIN32
nobody_asks_which_system_it_is|src/sys/a_linux.c|#if defined(__linux__) && 1
nobody_asks_which_system_it_is|test/core/a.c|#  elif __APPLE__
unsafe_functions_are_not_called|src/base/a.c|int f(void) { return atoi("1"); }
unsafe_functions_are_not_called|test/base/a.c|void f(char *a) { strcpy (a, "b"); }
memory_comes_from_the_arena|src/core/a.c|void *f(void) { return malloc(1); }
only_commands_print|src/core/a.c|void f(void) { puts("x"); }
only_commands_print|src/sys/a_linux.c|void f(void) { fputs("x", stderr); }
headers_compile_alone|src/core/a.h|size_t f(void);
nothing_is_left_to_do|src/core/a.c|// TO-DO later
no_machine_is_named|tools/a.sh|cd /wo-rk/main
no_machine_is_named|src/core/a.c|char *f = "/ho-me/somebody/x";
no_registry_is_named|tools/a.sh|get deb.deb-ian.org
END
    # A table of lines, to make a file too long.
    printf 'files_are_short|src/core/a.c|%s\n' "$(printf 'x%.0s\\n' $(seq 701))"
}

good_tree() {
    rm -rf "$1"
    mkdir -p "$1"/src/{base,decode,sys,core,cmd} "$1"/test/{base,core} "$1/tools"
    printf '#include <stddef.h>\nsize_t c(void);\n' >"$1/src/base/c.h"
    printf '#include "base/c.h"\n\n#include <stdio.h>\n\n// Not malloc(1) or #ifdef _WIN32.\nsize_t\nc(void)\n{\n    return sizeof "puts(1)";\n}\n' >"$1/src/base/c.c"
    printf '#include "base/c.h"\n' >"$1/src/core/b.h"
    printf '#include <unistd.h>\n' >"$1/src/sys/x_linux.c"
    printf '#include "core/b.h"\n\n#include <stdio.h>\nvoid f(void) { puts("/home/ann"); }\n' >"$1/src/cmd/list.c"
}

self_test() {
    local number=0 failed=0 rule file text
    tree=$(mktemp -d) || exit 1
    trap 'rm -rf "$tree"' EXIT
    echo "1..$(($(breaches | wc -l) + 1))"
    good_tree "$tree"
    number=1
    if (cd "$tree" && check_tree) >"$tree.out"; then
        echo "ok 1 a good tree passes"
    else
        grep -B3 '^not' "$tree.out" | sed 's/^/# /'
        echo "not ok 1 a good tree passes"
        failed=1
    fi
    rm -f "$tree.out"
    while IFS='|' read -r rule file text; do
        number=$((number + 1))
        good_tree "$tree"
        # Marks and hosts are spelt with a dash here, so that this file does not break the rules itself.
        case $rule in
        nothing_* | no_*) text=${text//-/} ;;
        esac
        printf '%b\n' "${text//\\\"/\"}" >"$tree/$file"
        if (cd "$tree" && check "$rule") >/dev/null; then
            echo "not ok $number $rule finds it in $file"
            failed=1
        else
            echo "ok $number $rule finds it in $file"
        fi
    done < <(breaches)
    return $failed
}

case ${1:-} in
--self-test) self_test ;;
*) cd "${1:-$(dirname "$0")/..}" && check_tree ;;
esac
