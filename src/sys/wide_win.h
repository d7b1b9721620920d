#ifndef MOORAGE_SYS_WIDE_WIN_H
#define MOORAGE_SYS_WIDE_WIN_H

// Text between UTF-8, which the program speaks, and UTF-16, which Windows speaks. Windows only; nothing else turns one
// into the other.

#include "base/arena.h"
#include "base/str.h"

#include <stddef.h>
#include <wchar.h>

// UTF-16 with a NUL behind it; broken UTF-8 becomes U+FFFD. A NUL within ends the text for Windows.
wchar_t *
wide_from(struct arena *arena, struct str text);

// UTF-8; a surrogate without its other half becomes U+FFFD.
struct str
wide_to(struct arena *arena, const wchar_t *text, size_t units);

// The same up to the NUL; NULL gives the empty text.
struct str
wide_to_z(struct arena *arena, const wchar_t *text);

// A path for the functions that open files: made absolute, and with \\?\ before it where it is longer than what Windows
// takes without (Maximum Path Length Limitation). Names of devices ("NUL", "CON") stay what they are.
wchar_t *
wide_path(struct arena *arena, struct str path);

#endif
