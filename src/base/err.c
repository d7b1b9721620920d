#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Ends a text that did not fit in "...", without a piece of a character before it.
static void
err_cut(char *text, size_t size)
{
    size_t at = size - 4;
    while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
        at--;
    memcpy(text + at, "...", 4);
}

bool
err_set(struct err *err, enum err_kind kind, unsigned long os, const char *format, ...)
{
    if (!err)
        return false;
    err->kind = kind;
    err->os = os;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof err->text)
        err_cut(err->text, sizeof err->text);
    return false;
}

bool
err_prefix(struct err *err, const char *format, ...)
{
    if (!err)
        return false;
    char text[2 * sizeof err->text];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof err->text, format, args);
    va_end(args);
    size_t used = len < 0 ? 0 : (size_t)len < sizeof err->text ? (size_t)len : sizeof err->text - 1;
    len = snprintf(text + used, sizeof text - used, ": %s", err->text);
    memcpy(err->text, text, sizeof err->text - 1);
    if (len < 0 || used + (size_t)len >= sizeof err->text)
        err_cut(err->text, sizeof err->text);
    return false;
}
