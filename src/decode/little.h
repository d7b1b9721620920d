#ifndef MOORAGE_DECODE_LITTLE_H
#define MOORAGE_DECODE_LITTLE_H

// Numbers in the bytes that Windows gives: the little end first, whatever machine reads them. The systems do not differ.

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

// The unsigned number of `size` bytes (1 to 8) at `offset`; 0 where the bytes end before it does.
uint64_t
little_at(struct str bytes, size_t offset, size_t size);

// The same of 2 and 4 bytes.
uint16_t
little_u16(struct str bytes, size_t offset);
uint32_t
little_u32(struct str bytes, size_t offset);

// A FILETIME (100 ns since 1601 UTC) in milliseconds since 1970 UTC; 0 = unknown: for 0, and for times before 1970.
int64_t
little_filetime_ms(uint64_t filetime);

#endif
