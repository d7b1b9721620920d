#include "decode/wsl.h"

#include "base/ascii.h"
#include "base/buf.h"
#include "base/utf16.h"

#define LONGEST_WORD 32

// Version 1 has no kernel but this name.
static bool
is_first(struct str kernel)
{
    return str_find(kernel, STR("-Microsoft")) != SIZE_MAX;
}

bool
wsl_is_kernel(struct str kernel)
{
    return is_first(kernel) || str_find(kernel, STR("microsoft")) != SIZE_MAX ||
           str_find(kernel, STR("WSL2")) != SIZE_MAX;
}

struct str
wsl_version(const struct wsl_signs *signs)
{
    if (wsl_is_kernel(signs->kernel)) {
        bool distribution = signs->named || signs->run_folder || signs->interop;
        return !distribution ? STR("") : is_first(signs->kernel) ? STR("1") : STR("2");
    }
    // A kernel that the user built may have any name; only version 2 runs one.
    return signs->named && signs->run_folder ? STR("2") : STR("");
}

struct str
wsl_parse_networking(struct arena *arena, struct str text)
{
    struct buf word = {.arena = arena};

    text = str_trim(text);
    if (text.len == 0 || text.len > LONGEST_WORD)
        return STR("");
    for (size_t i = 0; i < text.len; i++) {
        if (!ascii_is_letter_or_digit(text.ptr[i]))
            return STR("");
        buf_add_byte(&word, ascii_lower(text.ptr[i]));
    }
    return buf_str(&word);
}

static struct str
without_quotes(struct str value)
{
    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
        return str_part(value, 1, value.len - 2);
    return value;
}

static void
add_ports(struct arena *arena, struct str list, struct wsl_settings *out)
{
    struct str item;

    while (str_cut(&list, ',', &item)) {
        uint64_t port;
        if (str_to_u64(str_trim(item), 10, &port) && port > 0 && port <= UINT16_MAX)
            *LIST_ADD(arena, &out->ignored) = (uint16_t)port;
    }
}

// Text that may be in UTF-8 or in UTF-16, with or without its mark: only the latter has NULs.
static struct str
as_utf8(struct arena *arena, struct str text)
{
    struct str mark = STR("\xef\xbb\xbf");

    if (str_starts(text, STR("\xff\xfe")) || str_find_byte(text, '\0') != SIZE_MAX)
        text = utf16_to_utf8(arena, text);
    return str_starts(text, mark) ? str_part(text, mark.len, text.len) : text;
}

// Both keys began under [experimental], and WSL takes them under either name of a section.
static bool
is_section(struct str line)
{
    return str_equal_nocase(line, STR("[wsl2]")) || str_equal_nocase(line, STR("[experimental]"));
}

void
wsl_parse_settings(struct arena *arena, struct str text, struct wsl_settings *out)
{
    bool counts = false;
    struct str line;

    *out = (struct wsl_settings){0};
    text = as_utf8(arena, text);
    while (str_cut(&text, '\n', &line)) {
        struct str key;
        line = str_trim(str_part(line, 0, str_find_byte(line, '#')));
        if (str_starts(line, STR("[")))
            counts = is_section(line);
        if (!counts || !str_cut(&line, '=', &key) || !line.ptr)
            continue;
        struct str value = without_quotes(str_trim(line));
        if (str_equal_nocase(str_trim(key), STR("networkingMode")))
            out->networking = wsl_parse_networking(arena, value);
        else if (str_equal_nocase(str_trim(key), STR("ignoredPorts")))
            add_ports(arena, value, out);
    }
}

void
wsl_parse_running(struct arena *arena, struct str bytes, const struct str_list *installed, struct str_list *out)
{
    struct str text = as_utf8(arena, bytes);
    struct str line;

    while (str_cut(&text, '\n', &line)) {
        line = str_trim(line);
        for (size_t i = 0; i < installed->count; i++)
            if (str_equal(installed->items[i], line))
                *LIST_ADD(arena, out) = line;
    }
}
