#include "sys/command_line_win.h"

void
command_line_add(struct buf *line, struct str word)
{
    size_t slashes = 0;
    bool plain = word.len > 0;
    if (line->len)
        buf_add_byte(line, ' ');
    for (size_t i = 0; i < word.len; i++)
        plain = plain && word.ptr[i] != ' ' && word.ptr[i] != '\t' && word.ptr[i] != '\n' && word.ptr[i] != '\v' &&
                word.ptr[i] != '"';
    if (plain) {
        buf_add(line, word);
        return;
    }
    // Backslashes count only before a quotation mark: there each is doubled.
    buf_add_byte(line, '"');
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] == '"')
            buf_pad(line, '\\', slashes + 1);
        slashes = word.ptr[i] == '\\' ? slashes + 1 : 0;
        buf_add_byte(line, word.ptr[i]);
    }
    buf_pad(line, '\\', slashes);
    buf_add_byte(line, '"');
}
