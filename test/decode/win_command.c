#include "decode/win_command.h"

#include "tap.h"

// The arguments, each between < and >.
static struct str
split(struct arena *arena, const char *line)
{
    struct str_list list = {0};
    struct str out = STR("");
    win_command_split(arena, str_of(line), &list);
    for (size_t i = 0; i < list.count; i++)
        out = str_printf(arena, "%.*s<%.*s>", STR_ARG(out), STR_ARG(list.items[i]));
    return out;
}

TEST(blanks_part_arguments)
{
    CHECK_STR(split(arena, ""), "");
    CHECK_STR(split(arena, "node"), "<node>");
    CHECK_STR(split(arena, "node server.js\t --port  8080 "), "<node><server.js><--port><8080>");
    CHECK_STR(split(arena, " node"), "<><node>");
}

TEST(name_of_the_program_has_rules_of_its_own)
{
    CHECK_STR(split(arena, "\"C:\\Program Files\\node.exe\" x"), "<C:\\Program Files\\node.exe><x>");
    CHECK_STR(split(arena, "\"C:\\a\\\" x"), "<C:\\a\\><x>");
    CHECK_STR(split(arena, "C:\\a\"b c\" d"), "<C:\\a\"b><c d>");
    CHECK_STR(split(arena, "\"never closed"), "<never closed>");
    CHECK_STR(split(arena, "\"\" x"), "<><x>");
}

TEST(quotes_keep_blanks)
{
    CHECK_STR(split(arena, "a \"b c\" d\"e f\"g"), "<a><b c><de fg>");
    CHECK_STR(split(arena, "a \"\" b"), "<a><><b>");
    CHECK_STR(split(arena, "a \"b c"), "<a><b c>");
}

TEST(backslashes_count_double_only_before_quotes)
{
    CHECK_STR(split(arena, "a b\\c d\\\\e \\\\server\\share\\"), "<a><b\\c><d\\\\e><\\\\server\\share\\>");
    CHECK_STR(split(arena, "a \\\"b\\\" c"), "<a><\"b\"><c>");
    CHECK_STR(split(arena, "a \"b\\\\\" c"), "<a><b\\><c>");
    CHECK_STR(split(arena, "a \"b\\\\\\\" c"), "<a><b\\\" c>");
}

TEST(two_quotes_within_quotes_are_one_and_end_them)
{
    CHECK_STR(split(arena, "a \"b\"\"c d\" e"), "<a><b\"c><d e>");
    CHECK_STR(split(arena, "a \"\"\"b c\"\"\" d"), "<a><\"b><c\"><d>");
}

TAP_MAIN
