#ifndef MOORAGE_BASE_JSON_H
#define MOORAGE_BASE_JSON_H

// JSON both ways through cJSON, with its memory in an arena and with text that is always valid UTF-8. cJSON's allocator is
// one for the whole program: json_use() names the arena, and all cJSON values made after it live there (never call
// cJSON_Delete). The systems do not differ.

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <cJSON.h>

#include <stdbool.h>
#include <stdint.h>

// All cJSON memory comes from `arena` from now on.
void
json_use(struct arena *arena);

// The document in `text`; NULL and `err` (with the byte where it broke) if it is none. Nesting deeper than 64 is refused.
cJSON *
json_parse(struct arena *arena, struct str text, struct err *err);

// The document as text that ends with a line end: indented by two blanks when `pretty`, else on one line.
struct str
json_print(struct arena *arena, const cJSON *value, bool pretty);

// Adds a member; `key` is a literal. Broken UTF-8 and NUL become U+FFFD, and the bytes stand in base64 beside it as KEY_raw.
void
json_add_str(struct arena *arena, cJSON *object, const char *key, struct str value);
void
json_add_null(cJSON *object, const char *key);
// The text, or null where it is empty: what is not known, or not there.
void
json_add_str_or_null(struct arena *arena, cJSON *object, const char *key, struct str value);
void
json_add_bool(cJSON *object, const char *key, bool value);
// A number; above 2^53 it is written as a string, since a JSON number would lose digits (RFC 8259 section 6).
void
json_add_u64(struct arena *arena, cJSON *object, const char *key, uint64_t value);
// A number within 2^53 of 0.
void
json_add_int(cJSON *object, const char *key, int64_t value);
// A new empty object or array that was added.
cJSON *
json_add_object(cJSON *object, const char *key);
cJSON *
json_add_array(cJSON *object, const char *key);
// A new empty object, or a text, appended to an array.
cJSON *
json_append_object(cJSON *array);
void
json_append_str(struct arena *arena, cJSON *array, struct str value);

// Reading: false (and `out` untouched) when the member is missing or of another type. Numbers may also be strings of
// decimal digits. Text is viewed, not copied: with KEY_raw beside it, the bytes of that are given (in the arena).
bool
json_get_str(struct arena *arena, const cJSON *object, const char *key, struct str *out);
bool
json_get_u64(const cJSON *object, const char *key, uint64_t *out);
bool
json_get_int(const cJSON *object, const char *key, int64_t *out);
bool
json_get_bool(const cJSON *object, const char *key, bool *out);
// The array or object, or NULL.
const cJSON *
json_get_array(const cJSON *object, const char *key);
const cJSON *
json_get_object(const cJSON *object, const char *key);

// Base64 with padding (RFC 4648 section 4).
struct str
json_base64(struct arena *arena, struct str bytes);
bool
json_unbase64(struct arena *arena, struct str text, struct str *out);

#endif
