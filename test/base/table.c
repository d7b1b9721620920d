#include "base/table.h"

#include "base/utf8.h"

#include "tap.h"

static const struct table_column columns[] = {
    {STR_INIT("PORT"), .right = true, .ink = INK_STRONG},
    {STR_INIT("PROGRAM"), .shrinks = true, .ink = INK_NAME},
    {STR_INIT("USER"), .ink = INK_PLAIN},
};

static struct table
sample(struct arena *arena)
{
    struct table table = {.arena = arena, .columns = columns, .column_count = 3};
    table_add(&table, (struct str[]){STR("80"), STR("nginx"), STR("root")});
    table_add(&table, (struct str[]){STR("8080"), STR("a-very-long-program-name"), STR("ann")});
    table_add(&table, (struct str[]){STR("9"), STR(""), STR("")});
    return table;
}

static struct str
printed(struct arena *arena, const struct table *table, size_t width, bool header)
{
    struct buf out = {.arena = arena};
    table_print(table, &out, width, header, false);
    return buf_str(&out);
}

TEST(columns_are_aligned_and_lines_end_behind_the_last_cell)
{
    struct table table = sample(arena);
    CHECK_STR(printed(arena, &table, 80, true), "PORT  PROGRAM                   USER\n"
                                                "  80  nginx                     root\n"
                                                "8080  a-very-long-program-name  ann\n"
                                                "   9\n");
}

TEST(piped_lines_begin_with_their_number)
{
    struct table table = sample(arena);
    CHECK_STR(printed(arena, &table, 0, true), "PORT  PROGRAM                   USER\n"
                                               "80    nginx                     root\n"
                                               "8080  a-very-long-program-name  ann\n"
                                               "9\n");
}

TEST(columns_without_content_are_left_out_on_a_terminal_only)
{
    struct table table = {.arena = arena, .columns = columns, .column_count = 3};
    table_add(&table, (struct str[]){STR("80"), STR(""), STR("ann")});
    CHECK_STR(printed(arena, &table, 80, true), "PORT  USER\n  80  ann\n");
    CHECK_STR(printed(arena, &table, 0, true), "PORT  PROGRAM  USER\n80             ann\n");
}

TEST(without_a_header_titles_take_no_room)
{
    struct table table = {.arena = arena, .columns = columns, .column_count = 3};
    table_add(&table, (struct str[]){STR("80"), STR("sh"), STR("ann")});
    CHECK_STR(printed(arena, &table, 0, false), "80  sh  ann\n");
}

TEST(a_narrow_terminal_takes_from_columns_that_shrink)
{
    struct table table = sample(arena);
    CHECK_STR(printed(arena, &table, 25, true), "PORT  PROGRAM        USER\n"
                                                "  80  nginx          root\n"
                                                "8080  a-very-long-…  ann\n"
                                                "   9\n");
}

TEST(no_line_is_wider_than_the_terminal_unless_it_is_tiny)
{
    struct table table = sample(arena);
    for (size_t width = 13; width < 50; width++) {
        struct str rest = printed(arena, &table, width, true);
        struct str line;
        while (str_cut(&rest, '\n', &line))
            CHECK(utf8_width(line) <= width);
    }
    struct str tiny = printed(arena, &table, 1, true);
    CHECK_STR(tiny, "PO…  PR…  US…\n 80  ng…  ro…\n80…  a-…  ann\n  9\n");
}

TEST(wide_characters_count_two_columns)
{
    struct table table = {.arena = arena, .columns = columns, .column_count = 3};
    table_add(&table, (struct str[]){STR("1"), STR("\xe6\x97\xa5\xe6\x9c\xac"), STR("x")});
    table_add(&table, (struct str[]){STR("1"), STR("abcde"), STR("x")});
    CHECK_STR(printed(arena, &table, 0, false), "1  \xe6\x97\xa5\xe6\x9c\xac   x\n1  abcde  x\n");
}

TEST(colour_changes_no_width)
{
    struct table table = sample(arena);
    struct buf out = {.arena = arena};
    table_print(&table, &out, 80, true, true);
    CHECK(str_find(buf_str(&out), STR("  \x1b[1m80\x1b[0m  \x1b[36mnginx\x1b[0m                     root\n")) !=
          SIZE_MAX);
    CHECK(str_find(buf_str(&out), STR("   \x1b[1m9\x1b[0m\n")) != SIZE_MAX);
}

TEST(empty_tables_print_titles_or_nothing)
{
    struct table table = {.arena = arena, .columns = columns, .column_count = 3};
    CHECK_STR(printed(arena, &table, 80, true), "PORT  PROGRAM  USER\n");
    CHECK_STR(printed(arena, &table, 80, false), "");
    struct table none = {.arena = arena};
    CHECK_STR(printed(arena, &none, 80, true), "");
}

TEST(csv_quotes_and_disarms_formulas)
{
    struct table table = {.arena = arena, .columns = columns, .column_count = 3};
    table_add(&table, (struct str[]){STR("80"), STR("a,b"), STR("say \"hi\"")});
    table_add(&table, (struct str[]){STR("=1+1"), STR("@x,y"), STR("")});
    table_add(&table, (struct str[]){STR("-1"), STR("+1"), STR("a\nb")});
    struct buf out = {.arena = arena};
    table_csv(&table, &out, true);
    CHECK_STR(buf_str(&out), "PORT,PROGRAM,USER\n"
                             "80,\"a,b\",\"say \"\"hi\"\"\"\n"
                             "'=1+1,\"'@x,y\",\n"
                             "'-1,'+1,\"a\nb\"\n");
    struct buf bare = {.arena = arena};
    table_csv(&table, &bare, false);
    CHECK(str_starts(buf_str(&bare), STR("80,")));
}

TAP_MAIN
