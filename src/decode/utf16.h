#ifndef MOORAGE_DECODE_UTF16_H
#define MOORAGE_DECODE_UTF16_H

// UTF-16 out of files, pipes and the registry of Windows: bytes, low byte first.

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

// As UTF-8, up to the first NUL. A surrogate without its other half becomes U+FFFD, a byte order mark in front and an odd
// byte at the end are left out.
struct str
utf16_to_utf8(struct arena *arena, struct str bytes);

// Whether text that may be in UTF-8 or in UTF-16 is the latter: it has its byte order mark, or NULs, which no UTF-8 text has.
bool
utf16_is_likely(struct str bytes);

#endif
