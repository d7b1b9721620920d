#include "base/str.h"

#include "base/ascii.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool
is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str
str_of(const char *text)
{
    return text ? (struct str){text, strlen(text)} : (struct str){0};
}

struct str
str_part(struct str s, size_t start, size_t len)
{
    if (!s.ptr)
        return (struct str){0};
    if (start > s.len)
        start = s.len;
    if (len > s.len - start)
        len = s.len - start;
    return (struct str){s.ptr + start, len};
}

bool
str_equal(struct str a, struct str b)
{
    return a.len == b.len && (!a.len || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool
str_equal_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
            return false;
    return true;
}

int
str_compare(struct str a, struct str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter ? memcmp(a.ptr, b.ptr, shorter) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool
str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_equal(str_part(s, 0, prefix.len), prefix);
}

bool
str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_equal(str_part(s, s.len - suffix.len, suffix.len), suffix);
}

size_t
str_find(struct str hay, struct str needle)
{
    if (!needle.len)
        return 0;
    for (size_t at = 0; hay.len - at >= needle.len;) {
        const char *first = memchr(hay.ptr + at, needle.ptr[0], hay.len - at - needle.len + 1);
        if (!first)
            break;
        if (memcmp(first, needle.ptr, needle.len) == 0)
            return (size_t)(first - hay.ptr);
        at = (size_t)(first - hay.ptr) + 1;
    }
    return SIZE_MAX;
}

size_t
str_find_byte(struct str s, char c)
{
    const char *found = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return found ? (size_t)(found - s.ptr) : SIZE_MAX;
}

size_t
str_find_last_byte(struct str s, char c)
{
    for (size_t i = s.len; i > 0; i--)
        if (s.ptr[i - 1] == c)
            return i - 1;
    return SIZE_MAX;
}

struct str
str_trim(struct str s)
{
    while (s.len && is_blank(s.ptr[s.len - 1]))
        s.len--;
    while (s.len && is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    return s;
}

struct str
str_base_name(struct str path)
{
    size_t start = path.len;
    while (start > 0 && path.ptr[start - 1] != '/' && path.ptr[start - 1] != '\\')
        start--;
    return str_part(path, start, SIZE_MAX);
}

bool
str_cut(struct str *rest, char separator, struct str *head)
{
    if (!rest->ptr)
        return false;
    size_t at = str_find_byte(*rest, separator);
    if (at == SIZE_MAX) {
        *head = *rest;
        *rest = (struct str){0};
    } else {
        *head = str_part(*rest, 0, at);
        *rest = str_part(*rest, at + 1, SIZE_MAX);
    }
    return true;
}

bool
str_word(struct str *rest, struct str *word)
{
    size_t start = 0;
    while (start < rest->len && is_blank(rest->ptr[start]))
        start++;
    size_t end = start;
    while (end < rest->len && !is_blank(rest->ptr[end]))
        end++;
    *word = str_part(*rest, start, end - start);
    *rest = str_part(*rest, end, SIZE_MAX);
    return word->len > 0;
}

size_t
str_digits(struct str s)
{
    size_t count = 0;
    while (count < s.len && ascii_is_digit(s.ptr[count]))
        count++;
    return count;
}

bool
str_is_plain(struct str s, struct str more)
{
    for (size_t i = 0; i < s.len; i++)
        if (!ascii_is_letter_or_digit(s.ptr[i]) && str_find_byte(more, s.ptr[i]) == SIZE_MAX)
            return false;
    return true;
}

static unsigned
digit_value(char c)
{
    if (ascii_is_digit(c))
        return (unsigned)(c - '0');
    c = ascii_lower(c);
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    return 16;
}

bool
str_to_u64(struct str s, unsigned base, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = digit_value(s.ptr[i]);
        if (digit >= base || value > (UINT64_MAX - digit) / base)
            return false;
        value = value * base + digit;
    }
    if (!s.len)
        return false;
    *out = value;
    return true;
}

struct str
str_lower(struct arena *arena, struct str s)
{
    char *copy = str_c(arena, s);
    for (size_t i = 0; i < s.len; i++)
        copy[i] = ascii_lower(copy[i]);
    return (struct str){copy, s.len};
}

char *
str_c(struct arena *arena, struct str s)
{
    char *text = arena_alloc(arena, s.len + 1);
    if (s.len)
        memcpy(text, s.ptr, s.len);
    return text;
}

struct str
str_copy(struct arena *arena, struct str s)
{
    return (struct str){str_c(arena, s), s.len};
}

struct str
str_number(struct arena *arena, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    return str_copy(arena, (struct str){digits + at, sizeof digits - at});
}

struct str
str_printf(struct arena *arena, const char *format, ...)
{
    assert(format);
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);
    size_t size = (size_t)len;
    char *text = arena_alloc(arena, size + 1);
    va_start(args, format);
    vsnprintf(text, size + 1, format, args);
    va_end(args);
    return (struct str){text, size};
}

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

bool
str_list_has(const struct str_list *list, struct str s)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_equal(list->items[i], s))
            return true;
    return false;
}

void
str_list_add_new(struct arena *arena, struct str_list *list, struct str s)
{
    if (!str_list_has(list, s))
        *LIST_ADD(arena, list) = s;
}

size_t
str_distance(struct str a, struct str b)
{
    enum {
        LONGEST = 64
    };
    if (a.len > LONGEST || b.len > LONGEST)
        return SIZE_MAX;
    // The optimal string alignment distance: three rows of the usual matrix, used in turn.
    size_t rows[3][LONGEST + 1];
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        const size_t *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t cost = a.ptr[i - 1] == b.ptr[j - 1] ? 0 : 1;
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + cost);
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1])
                row[j] = least(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}
