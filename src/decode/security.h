#ifndef MOORAGE_DECODE_SECURITY_H
#define MOORAGE_DECODE_SECURITY_H

// Whom a security descriptor of Windows lets in, as security identifiers in text ("S-1-5-80-..."). Names are not looked
// up here. Sources: [MS-DTYP] 2.4.2 (SID), 2.4.4 (ACE), 2.4.5 (ACL), 2.4.6 (SECURITY_DESCRIPTOR), 2.5.1 (SDDL).

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

// Those whom the text form ("D:(A;;GX;;;BU)(A;;GX;;;S-1-5-80-1)") allows something, each once, in its order. False where it
// has no list of access rights.
bool
security_parse_text(struct arena *arena, struct str text, struct str_list *out);

// The same out of the bytes of a self-relative descriptor, as the registry keeps it.
bool
security_parse_bytes(struct arena *arena, struct str bytes, struct str_list *out);

#endif
