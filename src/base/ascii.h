#ifndef MOORAGE_BASE_ASCII_H
#define MOORAGE_BASE_ASCII_H

// What a byte is in ASCII. ctype.h asks the locale instead, and is undefined for the bytes of UTF-8. The systems do not differ.

#include <stdbool.h>

static inline bool
ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool
ascii_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool
ascii_is_letter_or_digit(char c)
{
    return ascii_is_letter(c) || ascii_is_digit(c);
}

// A capital letter's small one; any other byte as it is.
static inline char
ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

#endif
