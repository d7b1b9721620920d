#include "base/ink.h"

// ECMA-48, 8.3.117 SGR. Only the eight basic colours: the reader's own palette decides how they look.
static const char *const ink_codes[] = {
    [INK_PLAIN] = "",  [INK_STRONG] = "1", [INK_GOOD] = "32", [INK_BAD] = "1;31",
    [INK_WARN] = "33", [INK_DIM] = "2",    [INK_NAME] = "36",
};

void
ink_add(struct buf *out, bool colour, enum ink ink, struct str text)
{
    if (!colour || ink == INK_PLAIN || !text.len) {
        buf_add(out, text);
        return;
    }
    buf_addf(out, "\x1b[%sm", ink_codes[ink]);
    buf_add(out, text);
    buf_add_c(out, "\x1b[0m");
}
