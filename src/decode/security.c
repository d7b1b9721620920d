#include "decode/security.h"

#include "base/buf.h"
#include "decode/little.h"

#include <stdint.h>

enum {
    DESCRIPTOR_SIZE = 20,
    DESCRIPTOR_DACL = 16, // where the offset of the list stands
    LIST_HEAD = 8,
    ENTRY_HEAD = 8, // type, flags, size, mask
    ENTRY_ALLOWS = 0,
    SID_HEAD = 8,
    SID_PARTS = 15,
};

struct abbreviation {
    struct str word;
    struct str sid;
};

// [MS-DTYP] 2.5.1.1: those that stand for one account or group on every machine.
static const struct abbreviation abbreviations[] = {
    {STR_INIT("AC"), STR_INIT("S-1-15-2-1")},   {STR_INIT("AN"), STR_INIT("S-1-5-7")},
    {STR_INIT("AO"), STR_INIT("S-1-5-32-548")}, {STR_INIT("AU"), STR_INIT("S-1-5-11")},
    {STR_INIT("BA"), STR_INIT("S-1-5-32-544")}, {STR_INIT("BG"), STR_INIT("S-1-5-32-546")},
    {STR_INIT("BO"), STR_INIT("S-1-5-32-551")}, {STR_INIT("BU"), STR_INIT("S-1-5-32-545")},
    {STR_INIT("CG"), STR_INIT("S-1-3-1")},      {STR_INIT("CO"), STR_INIT("S-1-3-0")},
    {STR_INIT("IS"), STR_INIT("S-1-5-32-568")}, {STR_INIT("IU"), STR_INIT("S-1-5-4")},
    {STR_INIT("LS"), STR_INIT("S-1-5-19")},     {STR_INIT("NO"), STR_INIT("S-1-5-32-556")},
    {STR_INIT("NS"), STR_INIT("S-1-5-20")},     {STR_INIT("NU"), STR_INIT("S-1-5-2")},
    {STR_INIT("PU"), STR_INIT("S-1-5-32-547")}, {STR_INIT("RC"), STR_INIT("S-1-5-12")},
    {STR_INIT("RD"), STR_INIT("S-1-5-32-555")}, {STR_INIT("SO"), STR_INIT("S-1-5-32-549")},
    {STR_INIT("SU"), STR_INIT("S-1-5-6")},      {STR_INIT("SY"), STR_INIT("S-1-5-18")},
    {STR_INIT("WD"), STR_INIT("S-1-1-0")},
};

// An abbreviation that is not known is still something to show.
static struct str
sid_of_word(struct str word)
{
    for (size_t i = 0; i < sizeof abbreviations / sizeof *abbreviations; i++)
        if (str_equal_nocase(abbreviations[i].word, word))
            return abbreviations[i].sid;
    return word;
}

// "A;;GX;;;BU": type, flags, rights, two ids, and who. Conditional entries have more behind it and another type.
static void
add_text_entry(struct arena *arena, struct str entry, struct str_list *out)
{
    struct str field = {0};

    for (int i = 0; i < 6; i++) {
        if (!str_cut(&entry, ';', &field))
            return;
        if (i == 0 && !str_equal_nocase(str_trim(field), STR("A")))
            return;
    }
    field = str_trim(field);
    if (field.len > 0)
        str_list_add_new(arena, out, sid_of_word(field));
}

// Where the list begins: "D:" that stands in no entry.
static size_t
find_list(struct str text)
{
    size_t depth = 0;

    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.ptr[i] == '(')
            depth++;
        else if (text.ptr[i] == ')' && depth > 0)
            depth--;
        else if (depth == 0 && (text.ptr[i] == 'D' || text.ptr[i] == 'd') && text.ptr[i + 1] == ':')
            return i + 2;
    }
    return SIZE_MAX;
}

bool
security_parse_text(struct arena *arena, struct str text, struct str_list *out)
{
    size_t at = find_list(text);
    size_t depth = 0;
    size_t start = 0;

    if (at == SIZE_MAX)
        return false;
    for (; at < text.len; at++) {
        char c = text.ptr[at];
        // The list of what is audited ("S:") follows.
        if (depth == 0 && c == ':')
            break;
        if (c == '(' && depth++ == 0)
            start = at + 1;
        else if (c == ')' && depth > 0 && --depth == 0)
            add_text_entry(arena, str_part(text, start, at - start), out);
    }
    return true;
}

static bool
format_sid(struct arena *arena, struct str bytes, struct str *out)
{
    struct buf text = {.arena = arena};
    uint64_t authority = 0;

    if (bytes.len < SID_HEAD || little_at(bytes, 0, 1) != 1 || little_at(bytes, 1, 1) > SID_PARTS ||
        bytes.len < SID_HEAD + little_at(bytes, 1, 1) * (size_t)4)
        return false;
    // The one number that is kept with its highest byte first.
    for (size_t i = 2; i < SID_HEAD; i++)
        authority = authority << 8 | little_at(bytes, i, 1);
    buf_addf(&text, authority > UINT32_MAX ? "S-1-0x%llx" : "S-1-%llu", (unsigned long long)authority);
    for (size_t i = 0; i < little_at(bytes, 1, 1); i++)
        buf_addf(&text, "-%lu", (unsigned long)little_u32(bytes, SID_HEAD + i * 4));
    *out = buf_str(&text);
    return true;
}

bool
security_parse_bytes(struct arena *arena, struct str bytes, struct str_list *out)
{
    if (bytes.len < DESCRIPTOR_SIZE || little_at(bytes, 0, 1) != 1)
        return false;
    size_t list = little_u32(bytes, DESCRIPTOR_DACL);
    if (list < DESCRIPTOR_SIZE || list > bytes.len || bytes.len - list < LIST_HEAD)
        return false;
    size_t count = little_u16(bytes, list + 4);
    struct str rest = str_part(bytes, list, little_u16(bytes, list + 2));
    rest = str_part(rest, LIST_HEAD, rest.len);
    for (size_t i = 0; i < count && rest.len >= ENTRY_HEAD; i++) {
        size_t size = little_u16(rest, 2);
        struct str sid;
        if (size < ENTRY_HEAD || size > rest.len)
            return false;
        struct str entry = str_part(rest, ENTRY_HEAD, size - ENTRY_HEAD);
        if (little_at(rest, 0, 1) == ENTRY_ALLOWS && format_sid(arena, entry, &sid))
            str_list_add_new(arena, out, sid);
        rest = str_part(rest, size, rest.len);
    }
    return true;
}
