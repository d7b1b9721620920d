#ifndef MOORAGE_BASE_UTF8_RANGES_H
#define MOORAGE_BASE_UTF8_RANGES_H

// Properties of code points as sorted ranges, made by tools/unicode.py from the Unicode Character Database. Code points
// that no version assigned may be inside a range where that joins two. The systems do not differ.

#include <stddef.h>
#include <stdint.h>

struct utf8_range {
    uint32_t first;
    uint32_t last;
};

// Take no column: combining marks (general categories Mn and Me), joining Hangul, and all of utf8_invisible.
extern const struct utf8_range utf8_zero[];
extern const size_t utf8_zero_count;

// Take two columns: East_Asian_Width W and F (UAX 11), which holds emoji too.
extern const struct utf8_range utf8_wide[];
extern const size_t utf8_wide_count;

// Draw nothing by themselves, so that text may hide behind them: Default_Ignorable_Code_Point (UAX 44; bidirectional
// controls, joiners, tags, variation selectors, fillers), separators, annotation controls, noncharacters.
extern const struct utf8_range utf8_invisible[];
extern const size_t utf8_invisible_count;

#endif
