#ifndef MOORAGE_BASE_UTF16_H
#define MOORAGE_BASE_UTF16_H

// UTF-16 as bytes in memory or in a file, which Windows writes the little end first, made UTF-8. It is hostile text: a half
// of a surrogate pair may stand alone, an end may be cut. The systems do not differ.

#include "base/arena.h"
#include "base/str.h"

// UTF-8; a lone surrogate becomes U+FFFD, a NUL stays, an odd last byte is dropped.
struct str
utf16_to_utf8(struct arena *arena, struct str bytes);

// The same up to the first NUL.
struct str
utf16_to_utf8_z(struct arena *arena, struct str bytes);

#endif
