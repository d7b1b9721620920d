#include "base/table.h"

#include <assert.h>

#include "base/utf8.h"

enum {
    TABLE_GAP = 2,
    TABLE_NARROW = 8,   // columns that shrink keep this if others can give too
    TABLE_NARROWEST = 3 // no column gets below this: then lines are longer than the terminal
};

void
table_add(struct table *table, const struct str *cells)
{
    for (size_t i = 0; i < table->column_count; i++)
        *LIST_ADD(table->arena, &table->cells) = cells[i];
}

// Takes columns away, always from the widest that may give, until `total` fits `width`.
static size_t
table_narrow(const struct table *table, size_t *widths, size_t total, size_t width, bool all, size_t keep)
{
    while (total > width) {
        size_t *widest = NULL;
        for (size_t i = 0; i < table->column_count; i++)
            if ((all || table->columns[i].shrinks) && widths[i] > keep && (!widest || widths[i] > *widest))
                widest = &widths[i];
        if (!widest)
            break;
        --*widest;
        total--;
    }
    return total;
}

static const size_t *
table_widths(const struct table *table, size_t width, bool header)
{
    size_t count = table->column_count;
    size_t *widths = arena_array(table->arena, count, sizeof *widths);

    assert(count > 0);
    for (size_t i = 0; header && i < count; i++)
        widths[i] = utf8_width(table->columns[i].title);
    for (size_t i = 0, column = 0; i < table->cells.count; i++, column = column + 1 == count ? 0 : column + 1) {
        // A text is no wider than it is long.
        if (table->cells.items[i].len <= widths[column])
            continue;
        size_t cell = utf8_width(table->cells.items[i]);
        if (cell > widths[column])
            widths[column] = cell;
    }
    if (!width)
        return widths;
    size_t total = (count - 1) * TABLE_GAP;
    for (size_t i = 0; i < count; i++)
        total += widths[i];
    total = table_narrow(table, widths, total, width, false, TABLE_NARROW);
    table_narrow(table, widths, total, width, true, TABLE_NARROWEST);
    return widths;
}

static void
table_line(const struct table *table, struct buf *out, const size_t *widths, const struct str *cells, bool title,
           bool piped, bool colour)
{
    size_t blanks = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        const struct table_column *column = &table->columns[i];
        struct str cell = cells[i];
        size_t taken = utf8_width(cell);
        if (taken > widths[i]) {
            cell = utf8_fit(table->arena, cell, widths[i], false);
            taken = utf8_width(cell);
        }
        size_t padding = widths[i] - taken;
        bool right = column->right && !piped;
        // Blanks wait until something stands behind them, so that no line ends in blanks.
        if (cell.len) {
            buf_pad(out, ' ', blanks + (right ? padding : 0));
            ink_add(out, colour, title ? INK_DIM : column->ink, cell);
            blanks = right ? 0 : padding;
        } else {
            blanks += padding;
        }
        blanks += TABLE_GAP;
    }
    buf_add_byte(out, '\n');
}

static bool
is_empty_column(const struct table *table, size_t column)
{
    for (size_t i = column; i < table->cells.count; i += table->column_count)
        if (table->cells.items[i].len)
            return false;
    return table->cells.count > 0;
}

// Room is scarce on a terminal: a column without content gives its own away.
static struct table
without_empty_columns(const struct table *table)
{
    struct table_column *columns = arena_array(table->arena, table->column_count, sizeof *columns);
    struct table lean = {.arena = table->arena, .columns = columns};
    bool *kept = arena_array(table->arena, table->column_count, sizeof *kept);
    for (size_t i = 0; i < table->column_count; i++) {
        kept[i] = !is_empty_column(table, i);
        if (kept[i])
            columns[lean.column_count++] = table->columns[i];
    }
    for (size_t i = 0; i < table->cells.count; i++)
        if (kept[i % table->column_count])
            *LIST_ADD(table->arena, &lean.cells) = table->cells.items[i];
    return lean;
}

void
table_print(const struct table *table, struct buf *out, size_t width, bool header, bool colour)
{
    struct table lean = *table;

    if (width && table->column_count)
        lean = without_empty_columns(table);
    if (!lean.column_count)
        return;
    size_t lines = lean.cells.count / lean.column_count + header;
    const size_t *widths = table_widths(&lean, width, header);
    size_t line = TABLE_GAP * lean.column_count;
    for (size_t i = 0; i < lean.column_count; i++)
        line += widths[i];
    // Of plain text, all of it: a long text that grows leaves copies of itself behind.
    buf_room(out, line * lines);
    if (header) {
        struct str *titles = arena_array(lean.arena, lean.column_count + 1, sizeof *titles);
        for (size_t i = 0; i < lean.column_count; i++)
            titles[i] = lean.columns[i].title;
        table_line(&lean, out, widths, titles, true, width == 0, colour);
    }
    for (size_t i = 0; i < lean.cells.count; i += lean.column_count)
        table_line(&lean, out, widths, &lean.cells.items[i], false, width == 0, colour);
}

static void
csv_cell(struct buf *out, struct str cell)
{
    bool formula = cell.len && str_find_byte(STR("=+-@\t\r"), cell.ptr[0]) != SIZE_MAX;
    bool quoted = false;
    for (size_t i = 0; i < cell.len; i++)
        quoted |= str_find_byte(STR(",\"\n\r"), cell.ptr[i]) != SIZE_MAX;
    if (quoted)
        buf_add_byte(out, '"');
    if (formula)
        buf_add_byte(out, '\'');
    for (size_t i = 0; i < cell.len; i++) {
        if (cell.ptr[i] == '"')
            buf_add_byte(out, '"');
        buf_add_byte(out, cell.ptr[i]);
    }
    if (quoted)
        buf_add_byte(out, '"');
}

void
table_csv(const struct table *table, struct buf *out, bool header)
{
    for (size_t i = 0; header && i < table->column_count; i++) {
        csv_cell(out, table->columns[i].title);
        buf_add_byte(out, i + 1 < table->column_count ? ',' : '\n');
    }
    const struct str *cell = table->cells.items;
    for (size_t row = 0; row * table->column_count < table->cells.count; row++) {
        for (size_t i = 0; i < table->column_count; i++) {
            csv_cell(out, *cell++);
            buf_add_byte(out, i + 1 < table->column_count ? ',' : '\n');
        }
    }
}
