#ifndef MOORAGE_DECODE_BTF_H
#define MOORAGE_DECODE_BTF_H

// Where the members of a kernel's structures lie, from the type information that the kernel gives of itself
// (/sys/kernel/btf/vmlinux; the format is in Documentation/bpf/btf.rst of the kernel). Only what is asked for is looked up,
// in one pass over the types: a kernel has more than 100,000 of them.
// The bytes have the byte order of the machine. The systems do not differ; only Linux has such bytes.

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A structure's member, or with `member` NULL the structure alone. Members of unnamed structures and unions within count as
// the structure's own.
struct btf_wish {
    const char *type;
    const char *member;
    // Set by btf_find():
    bool found;
    uint32_t offset; // of the member, in bytes
    uint8_t bit;     // bit fields: the first bit, counted from `offset`
    uint8_t bits;    // bit fields: how many; 0 = it is none
    uint32_t size;   // of the whole structure, in bytes
};

// Looks up each wish; what is not there stays not found. False if the bytes are no type information, are cut short or have
// kinds of types that are not known here: then nothing that was found may be used. Of several structures with one name the
// first that has the member counts. Whatever the bytes are, the work is bounded.
bool
btf_find(struct arena *arena, struct str bytes, struct btf_wish *wishes, size_t count);

#endif
