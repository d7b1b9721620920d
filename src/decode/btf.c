#include "decode/btf.h"

#include <string.h>

#include "base/list.h"

enum {
    MAGIC = 0xEB9F,
    HEADER_SIZE = 24,
    TYPE_SIZE = 12,
    MEMBER_SIZE = 12,
    STEP = 64,            // each so many-th type's place is kept
    MAX_DEPTH = 8,        // unnamed structures within each other
    MAX_MEMBERS = 200000, // looked at in all: a hostile nest could have more than there are atoms
};

enum kind {
    KIND_INT = 1,
    KIND_PTR,
    KIND_ARRAY,
    KIND_STRUCT,
    KIND_UNION,
    KIND_ENUM,
    KIND_FWD,
    KIND_TYPEDEF,
    KIND_VOLATILE,
    KIND_CONST,
    KIND_RESTRICT,
    KIND_FUNC,
    KIND_FUNC_PROTO,
    KIND_VAR,
    KIND_DATASEC,
    KIND_FLOAT,
    KIND_DECL_TAG,
    KIND_TYPE_TAG,
    KIND_ENUM64,
    KIND_COUNT,
};

// What follows the 12 bytes that each type has: so much, and so much for each of its elements.
static const struct {
    uint8_t once;
    uint8_t each;
} tails[KIND_COUNT] = {
    [KIND_INT] = {4, 0},      [KIND_ARRAY] = {12, 0},     [KIND_STRUCT] = {0, 12}, [KIND_UNION] = {0, 12},
    [KIND_ENUM] = {0, 8},     [KIND_FUNC_PROTO] = {0, 8}, [KIND_VAR] = {4, 0},     [KIND_DATASEC] = {0, 12},
    [KIND_DECL_TAG] = {4, 0}, [KIND_ENUM64] = {0, 12},
};

struct scan {
    struct str types;
    struct str names;
    struct {
        LIST_OF(uint32_t);
    } places;       // of types 1, 65, 129, ...
    size_t members; // that were looked at
};

struct type {
    uint32_t name;
    enum kind kind;
    uint32_t elements;
    bool flag;
    uint32_t size; // of structures
    size_t tail;   // where what follows it begins
    size_t next;   // where the next type begins
};

static uint32_t
number_at(struct str bytes, size_t at)
{
    uint32_t number;
    memcpy(&number, bytes.ptr + at, sizeof number);
    return number;
}

static bool
read_type(const struct scan *scan, size_t at, struct type *type)
{
    if (at > scan->types.len || scan->types.len - at < TYPE_SIZE)
        return false;
    uint32_t info = number_at(scan->types, at + 4);
    uint32_t kind = info >> 24 & 0x1F;
    if (kind == 0 || kind >= KIND_COUNT)
        return false;
    type->name = number_at(scan->types, at);
    type->kind = (enum kind)kind;
    type->elements = info & 0xFFFF;
    type->flag = info >> 31;
    type->size = number_at(scan->types, at + 8);
    type->tail = at + TYPE_SIZE;
    size_t tail = tails[kind].once + (size_t)tails[kind].each * type->elements;
    if (scan->types.len - type->tail < tail)
        return false;
    type->next = type->tail + tail;
    return true;
}

// The type with this number, counted from 1.
static bool
find_type(const struct scan *scan, uint32_t number, struct type *type)
{
    if (number == 0 || (number - 1) / STEP >= scan->places.count)
        return false;
    size_t at = scan->places.items[(number - 1) / STEP];
    for (uint32_t i = (number - 1) / STEP * STEP + 1;; i++) {
        if (!read_type(scan, at, type))
            return false;
        if (i == number)
            return true;
        at = type->next;
    }
}

static bool
is_named(const struct scan *scan, uint32_t name, const char *text)
{
    size_t length = strlen(text) + 1;
    return name < scan->names.len && scan->names.len - name >= length &&
           memcmp(scan->names.ptr + name, text, length) == 0;
}

static void
set(struct btf_wish *wish, const struct type *owner, uint32_t base, uint32_t place)
{
    uint32_t bits = base + (owner->flag ? place & 0xFFFFFF : place);
    wish->bits = owner->flag ? (uint8_t)(place >> 24) : 0;
    wish->offset = bits / 8;
    wish->bit = (uint8_t)(bits % 8);
    wish->found = true;
}

static bool
is_nest(const struct type *type)
{
    return type->kind == KIND_STRUCT || type->kind == KIND_UNION;
}

// A structure whose members are being looked at, and how far.
struct level {
    struct type type;
    uint32_t base; // of this structure within the outermost, in bits
    uint32_t at;
};

// Looks the member up in the structure and in unnamed ones within it.
static void
find_member(struct scan *scan, const struct type *outer, struct btf_wish *wish)
{
    struct level levels[MAX_DEPTH] = {{.type = *outer}};
    size_t depth = 1;
    while (depth && scan->members < MAX_MEMBERS) {
        struct level *level = &levels[depth - 1];
        if (level->at == level->type.elements) {
            depth--;
            continue;
        }
        size_t at = level->type.tail + (size_t)level->at++ * MEMBER_SIZE;
        uint32_t name = number_at(scan->types, at);
        uint32_t place = number_at(scan->types, at + 8);
        scan->members++;
        if (is_named(scan, name, wish->member)) {
            set(wish, &level->type, level->base, place);
            wish->size = outer->size;
            return;
        }
        struct type inner;
        if (!is_named(scan, name, "") || depth == MAX_DEPTH ||
            !find_type(scan, number_at(scan->types, at + 4), &inner) || !is_nest(&inner))
            continue;
        uint32_t base = level->base + (level->type.flag ? place & 0xFFFFFF : place);
        levels[depth++] = (struct level){.type = inner, .base = base};
    }
}

static bool
begin(struct scan *scan, struct str bytes)
{
    uint16_t magic;
    if (bytes.len < HEADER_SIZE)
        return false;
    memcpy(&magic, bytes.ptr, sizeof magic);
    uint64_t header = number_at(bytes, 4);
    uint64_t types = header + number_at(bytes, 8);
    uint64_t names = header + number_at(bytes, 16);
    uint32_t types_size = number_at(bytes, 12);
    uint32_t names_size = number_at(bytes, 20);
    if (magic != MAGIC || bytes.ptr[2] != 1 || header < HEADER_SIZE || types + types_size > bytes.len ||
        names + names_size > bytes.len)
        return false;
    scan->types = str_part(bytes, types, types_size);
    scan->names = str_part(bytes, names, names_size);
    return true;
}

// The wishes whose structure this is.
struct found {
    struct type type;
    size_t wish;
};

bool
btf_find(struct arena *arena, struct str bytes, struct btf_wish *wishes, size_t count)
{
    struct scan scan = {0};
    struct {
        LIST_OF(struct found);
    } candidates = {0};
    struct type type;
    if (!begin(&scan, bytes))
        return false;
    size_t at = 0;
    for (uint32_t number = 1; at < scan.types.len; number++, at = type.next) {
        if (!read_type(&scan, at, &type))
            return false;
        if (number % STEP == 1)
            *LIST_ADD(arena, &scan.places) = (uint32_t)at;
        if (type.kind != KIND_STRUCT || type.name >= scan.names.len)
            continue;
        for (size_t i = 0; i < count; i++) {
            // Most names differ in their first letter.
            if (scan.names.ptr[type.name] == wishes[i].type[0] && is_named(&scan, type.name, wishes[i].type))
                *LIST_ADD(arena, &candidates) = (struct found){type, i};
        }
    }
    for (size_t i = 0; i < candidates.count; i++) {
        struct btf_wish *wish = &wishes[candidates.items[i].wish];
        if (wish->found)
            continue;
        if (wish->member) {
            find_member(&scan, &candidates.items[i].type, wish);
        } else {
            wish->found = true;
            wish->size = candidates.items[i].type.size;
        }
    }
    return scan.members < MAX_MEMBERS;
}
