#include "cmd/sheet.h"

#include "base/utf8.h"
#include "cmd/words.h"

enum {
    INDENT = 2,
    GAP = 2,
    LABEL_LEAST = 9,
    VALUE_MOST = 40,   // a longer value does not push the remarks of the other lines to the right
    REMARK_LEAST = 24, // less room than this for a remark: it gets a line of its own
};

void
sheet_add(struct sheet *sheet, struct str label, struct str value, struct str remark)
{
    if (!value.len && !remark.len)
        return;
    *LIST_ADD(sheet->arena, sheet) = (struct sheet_line){
        .label = utf8_display(sheet->arena, label),
        .value = utf8_display(sheet->arena, value),
        .remark = utf8_display(sheet->arena, remark),
    };
}

static void
print_value(const struct sheet *sheet, const struct sheet_line *line, size_t left, size_t width, bool colour,
            struct buf *out)
{
    struct buf folded = {.arena = sheet->arena};

    words_fold(&folded, line->value, left, width);
    ink_add(out, colour, line->ink, buf_str(&folded));
}

static void
print_line(const struct sheet *sheet, const struct sheet_line *line, size_t left, size_t middle, size_t width,
           bool colour, struct buf *out)
{
    size_t used = left + utf8_width(line->value);
    size_t remark = used + GAP > middle ? used + GAP : middle;

    buf_pad(out, ' ', INDENT);
    ink_add(out, colour, INK_DIM, line->label);
    buf_pad(out, ' ', left - INDENT - utf8_width(line->label));
    print_value(sheet, line, left, width, colour, out);
    if (line->remark.len) {
        bool below = width && remark + utf8_width(line->remark) > width && remark + REMARK_LEAST > width;
        if (below) {
            remark = left + GAP;
            buf_add_byte(out, '\n');
            buf_pad(out, ' ', remark);
        } else {
            buf_pad(out, ' ', remark - used);
        }
        words_fold(out, line->remark, remark, width);
    }
    buf_add_byte(out, '\n');
}

void
sheet_print(const struct sheet *sheet, struct buf *out, size_t width, bool colour)
{
    size_t label = LABEL_LEAST;
    size_t value = 0;

    for (size_t i = 0; i < sheet->count; i++) {
        const struct sheet_line *line = &sheet->items[i];
        size_t wide = utf8_width(line->value);
        if (utf8_width(line->label) > label)
            label = utf8_width(line->label);
        if (line->remark.len && wide <= VALUE_MOST && wide > value)
            value = wide;
    }
    size_t left = INDENT + label + GAP;
    for (size_t i = 0; i < sheet->count; i++)
        print_line(sheet, &sheet->items[i], left, left + value + GAP, width, colour, out);
}
