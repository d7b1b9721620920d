// Any bytes, made safe for a terminal and for JSON: the result is valid, short enough, and stays as it is the second time.

#include "base/buf.h"
#include "base/ink.h"
#include "base/table.h"
#include "base/utf8.h"

#include <assert.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_open();
    struct str text = {(const char *)data, size};
    struct str repaired = utf8_repair(arena, text);
    assert(utf8_valid(repaired) && utf8_repair(arena, repaired).ptr == repaired.ptr);
    struct str shown = utf8_display(arena, text);
    assert(utf8_valid(shown) && str_equal(utf8_display(arena, shown), shown));
    for (size_t i = 0; i < shown.len; i++)
        assert((unsigned char)shown.ptr[i] >= 0x20 && shown.ptr[i] != 0x7f);
    for (size_t columns = 0; columns < 12; columns++)
        assert(utf8_width(utf8_fit(arena, shown, columns, columns % 2)) <= columns);
    static const struct table_column columns[] = {{STR_INIT("A"), .shrinks = true}, {STR_INIT("B"), .right = true}};
    struct table table = {.arena = arena, .columns = columns, .column_count = 2};
    table_add(&table, (struct str[]){shown, str_part(shown, 0, 3)});
    table_add(&table, (struct str[]){STR("x"), shown});
    struct buf out = {.arena = arena};
    table_print(&table, &out, 20, true, false);
    struct str rest = buf_str(&out);
    struct str line;
    while (str_cut(&rest, '\n', &line))
        assert(utf8_width(line) <= 20);
    table_csv(&table, &out, true);
    arena_close(arena);
    return 0;
}
