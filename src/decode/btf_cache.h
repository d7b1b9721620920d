#ifndef MOORAGE_DECODE_BTF_CACHE_H
#define MOORAGE_DECODE_BTF_CACHE_H

// What was found in a kernel's type information, as lines of text, so that it need not be searched each time. A key says of
// which kernel it is; a sum guards against what was cut short or changed by chance. The systems do not differ.

#include "base/arena.h"
#include "base/str.h"
#include "decode/btf.h"

#include <stdbool.h>
#include <stddef.h>

// `key` has no line end.
struct str
btf_cache_write(struct arena *arena, struct str key, const struct btf_wish *wishes, size_t count);

// Fills the wishes. False, and then no wish may be used, unless the text is whole and of these very wishes and this key.
bool
btf_cache_read(struct arena *arena, struct str text, struct str key, struct btf_wish *wishes, size_t count);

#endif
