#ifndef MOORAGE_DECODE_SNAPSHOT_SHAPE_H
#define MOORAGE_DECODE_SNAPSHOT_SHAPE_H

// How the structs of decode/host.h look in moorage.snapshot/1: one table a struct, from which writing, reading and
// redacting all work, so that the three can't drift apart. Only the snapshot_*.c files use it.
// Rules of the format: a number 0, an empty text and false are left out and mean just that; a fact that was not asked for
// is left out; a fact that was refused is null and its reason stands under "unknown"; arrays are always there.
// The systems do not differ.

#include "base/str.h"
#include "decode/host.h"

#include <stddef.h>

enum field_kind {
    FIELD_TEXT,      // struct str
    FIELD_BYTES,     // struct str that is no text: base64
    FIELD_FACT,      // struct fact
    FIELD_TEXTS,     // struct str_list
    FIELD_ARGV,      // struct str_list, its enum known at `second`
    FIELD_BOOL,      // bool
    FIELD_TRI,       // enum tri: true, false, left out
    FIELD_LETTER,    // char
    FIELD_U8,        // uint8_t
    FIELD_U16,       // uint16_t
    FIELD_U32,       // uint32_t
    FIELD_U64,       // uint64_t
    FIELD_ULONG,     // unsigned long
    FIELD_SIZE,      // size_t, written also when 0: it is an index
    FIELD_I64,       // int64_t
    FIELD_MAYBE_U32, // uint32_t, whether it is known (bool) at `second`
    FIELD_MAYBE_I64, // int64_t, the same
    FIELD_U32S,      // a list of uint32_t
    FIELD_WORD,      // an enum, by `words`; a value without a word is left out
    FIELD_ADDRESS,   // struct address
    FIELD_ENDPOINT,  // struct address, its uint16_t port at `second`: "[::]:80"
    FIELD_LIST,      // a list of structs of `shape`
};

struct shape;

// The words of an enum.
struct field_words {
    struct str (*name)(unsigned value);
    unsigned count;
};

struct field {
    const char *key;
    enum field_kind kind;
    size_t offset;
    size_t second;
    const struct field_words *words;
    const struct shape *shape;
};

struct shape {
    const struct field *fields;
    size_t count;
    size_t size; // of the struct
};

extern const struct shape snapshot_host_shape;

// Any LIST_OF seen without its type.
struct any_list {
    LIST_OF(void);
};

// The list at `where` and back: a list of another type may not be touched through struct any_list itself.
struct any_list
snapshot_list_get(const void *where);
void
snapshot_list_set(void *where, struct any_list list);

// "not-allowed" and the like; empty for values that no reason goes with.
enum known
snapshot_known_get(const void *where);

// The host with command lines behind argv[0], user names and home paths replaced; `host` itself stays as it is.
struct host
snapshot_redact(struct arena *arena, const struct host *host);

#endif
