#ifndef MOORAGE_BASE_STR_H
#define MOORAGE_BASE_STR_H

// A view on bytes that somebody else owns, meant as UTF-8 but not checked; it may hold NUL. `ptr` may be NULL only when
// `len` is 0. Views are passed by value. The systems do not differ.

#include "base/arena.h"
#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *ptr;
    size_t len;
};

struct str_list {
    LIST_OF(struct str);
};

// A view on a string literal.
#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
// The same for static data, where a compound literal is not a constant.
#define STR_INIT(literal)               \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }
// printf("%.*s", STR_ARG(s))
#define STR_ARG(s) (int)(s).len, (s).len ? (s).ptr : ""

// Lets the compiler check a format against its arguments. GCC's "printf" means the C library's own dialect, which on Windows
// lacks %zu; the formats here are ISO C's everywhere.
#if defined(__clang__)
#define STR_PRINTF(text, args) __attribute__((format(printf, text, args)))
#elif defined(__GNUC__)
#define STR_PRINTF(text, args) __attribute__((format(gnu_printf, text, args)))
#else
#define STR_PRINTF(text, args)
#endif

// A view on a C string; NULL gives the empty view.
struct str
str_of(const char *text);

// The part of `s` from byte `start`, at most `len` bytes; what lies outside of `s` is cut off.
struct str
str_part(struct str s, size_t start, size_t len);

bool
str_equal(struct str a, struct str b);

// Equal when ASCII letters count as equal in both cases.
bool
str_equal_nocase(struct str a, struct str b);

// Less than, equal to, greater than 0, by bytes.
int
str_compare(struct str a, struct str b);

bool
str_starts(struct str s, struct str prefix);

bool
str_ends(struct str s, struct str suffix);

// Where `needle` first stands in `hay`, or SIZE_MAX.
size_t
str_find(struct str hay, struct str needle);

// Where byte `c` stands first (last) in `s`, or SIZE_MAX.
size_t
str_find_byte(struct str s, char c);
size_t
str_find_last_byte(struct str s, char c);

// Without ASCII white space at both ends.
struct str
str_trim(struct str s);

// The last part of a path: what stands behind the last slash or backslash.
struct str
str_base_name(struct str path);

// Cuts the next field off `rest`: `head` gets what stands before `separator`, `rest` what stands behind it. False when
// `rest` was used up before (its ptr is NULL then); a text without the separator gives one field.
bool
str_cut(struct str *rest, char separator, struct str *head);

// The next run of bytes that are no ASCII white space; false when there is none.
bool
str_word(struct str *rest, struct str *word);

// How many ASCII digits `s` begins with.
size_t
str_digits(struct str s);

// Whether all bytes are ASCII letters, ASCII digits or stand in `more`; so it is for the empty text.
bool
str_is_plain(struct str s, struct str more);

// The whole of `s` as a number in `base` (8, 10, 16): digits only, no sign, no blanks, no overflow; else false.
bool
str_to_u64(struct str s, unsigned base, uint64_t *out);

// A copy in the arena, with a NUL behind it that does not count.
struct str
str_copy(struct arena *arena, struct str s);

// A copy in the arena with small letters for the capital ones of ASCII.
struct str
str_lower(struct arena *arena, struct str s);

// A copy as a C string; bytes behind a NUL in `s` are not seen by C functions.
char *
str_c(struct arena *arena, struct str s);

// Formatted as printf does, in the arena.
struct str
str_printf(struct arena *arena, const char *format, ...) STR_PRINTF(2, 3);

// The decimal digits of a number, in the arena: much quicker than the format.
struct str
str_number(struct arena *arena, uint64_t number);

// Whether an equal text stands in the list; the second adds it when none does.
bool
str_list_has(const struct str_list *list, struct str s);
void
str_list_add_new(struct arena *arena, struct str_list *list, struct str s);

// How many single-byte edits (insert, delete, replace, swap of neighbours) lead from `a` to `b`; texts longer than
// 64 bytes give SIZE_MAX. For "did you mean".
size_t
str_distance(struct str a, struct str b);

#endif
