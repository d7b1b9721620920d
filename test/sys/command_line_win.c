#include "decode/win_command.h"

#include "sys/wide_win.h"
#include "tap.h"

#include <windows.h>

#include <shellapi.h>

// The command line number `seed` of those that can be made of what the rules are about.
static struct str
line_of(struct arena *arena, unsigned seed)
{
    static const char letters[] = "a \"\\\t\"\\";
    char text[16];
    size_t length = 1 + seed % 14;
    for (size_t i = 0; i < length; i++) {
        seed = seed * 1103515245u + 12345u;
        text[i] = letters[(seed >> 16) % (sizeof letters - 1)];
    }
    return str_copy(arena, (struct str){text, length});
}

TEST(arguments_are_those_that_windows_finds)
{
    for (unsigned seed = 0; seed < 20000; seed++) {
        struct arena *own = arena_open();
        struct str line = line_of(own, seed);
        struct str_list list = {0};
        int count = 0;
        wchar_t **words = CommandLineToArgvW(wide_from(own, line), &count);
        bool same = words != NULL;
        win_command_split(own, line, &list);
        same = same && list.count == (size_t)count;
        for (size_t i = 0; same && i < list.count; i++)
            same = str_equal(list.items[i], wide_to_z(own, words[i]));
        if (!same) {
            printf("# «%.*s»\n", STR_ARG(line));
            for (size_t i = 0; i < list.count; i++)
                printf("#   got  <%.*s>\n", STR_ARG(list.items[i]));
            for (int i = 0; i < count; i++)
                printf("#   want <%ls>\n", words[i]);
        }
        LocalFree(words);
        arena_close(own);
        CHECK(same);
    }
}

TAP_MAIN
