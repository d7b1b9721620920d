#ifndef MOORAGE_BASE_UTF8_H
#define MOORAGE_BASE_UTF8_H

// Text from outside is hostile: it may hold broken UTF-8, control characters and bidirectional overrides. These
// functions make it safe for JSON (repair) and for a terminal, log or page (display). The systems do not differ.

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Adds a code point, which must be one: no surrogate, at most U+10FFFF.
void
utf8_add(struct buf *out, uint32_t point);

// The code point at the start of `s` and its length in bytes (RFC 3629: no surrogates, no overlong forms, at most
// U+10FFFF). A broken start gives U+FFFD and length 1. `s` must not be empty.
uint32_t
utf8_decode(struct str s, size_t *length);

bool
utf8_valid(struct str s);

// `s` itself if valid, else a copy in which each broken byte is U+FFFD.
struct str
utf8_repair(struct arena *arena, struct str s);

// Safe to print on a terminal: control characters, line ends, DEL, C1, bidirectional controls (U+061C, U+200E/F, U+202A-E,
// U+2066-9), zero-width and other invisible format characters and broken bytes become escapes such as \n, \x1b, \u202e.
// The result is valid UTF-8 and `s` itself if nothing had to change.
struct str
utf8_display(struct arena *arena, struct str s);

// Whether a terminal may be given this code point as it is: no control, bidirectional or invisible format character.
bool
utf8_is_safe(uint32_t point);

// Columns that displayed text takes on a terminal: 0 for combining marks, 2 for wide East Asian characters and emoji
// (Unicode Standard Annex 11), 1 else.
size_t
utf8_width(struct str s);

// At most `columns` wide; where it was cut, the last column is "…" (or '~' when `ascii`).
struct str
utf8_fit(struct arena *arena, struct str s, size_t columns, bool ascii);

#endif
