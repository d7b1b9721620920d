#include "decode/xml_rpc.h"

#include "base/buf.h"
#include "base/utf8.h"

enum {
    DEPTH_MOST = 32, // of values within values
};

struct reader {
    struct arena *arena;
    struct str rest;
};

static void
skip_blanks(struct reader *reader)
{
    while (reader->rest.len > 0 && str_find_byte(STR(" \t\r\n"), reader->rest.ptr[0]) != SIZE_MAX)
        reader->rest = str_part(reader->rest, 1, SIZE_MAX);
}

static bool
take(struct reader *reader, struct str text)
{
    if (!str_starts(reader->rest, text))
        return false;
    reader->rest = str_part(reader->rest, text.len, SIZE_MAX);
    return true;
}

// "<name>" or "</name>", with white space before it.
static bool
tag(struct reader *reader, const char *text)
{
    skip_blanks(reader);
    return take(reader, str_of(text));
}

// "&lt;", "&#233;", "&#xe9;"
static bool
add_entity(struct buf *out, struct str name)
{
    static const struct {
        struct str name;
        char c;
    } named[] = {{STR_INIT("lt"), '<'},
                 {STR_INIT("gt"), '>'},
                 {STR_INIT("amp"), '&'},
                 {STR_INIT("quot"), '"'},
                 {STR_INIT("apos"), '\''}};
    uint64_t number;

    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (str_equal(name, named[i].name)) {
            buf_add_byte(out, named[i].c);
            return true;
        }
    bool hex = str_starts(name, STR("#x"));
    if (!str_starts(name, STR("#")) || !str_to_u64(str_part(name, hex ? 2 : 1, SIZE_MAX), hex ? 16 : 10, &number) ||
        number == 0 || number > 0x10ffff || (number >= 0xd800 && number <= 0xdfff))
        return false;
    utf8_add(out, (uint32_t)number);
    return true;
}

// Up to the next tag.
static bool
text_of(struct reader *reader, struct str *out)
{
    size_t end = str_find_byte(reader->rest, '<');
    struct str raw = str_part(reader->rest, 0, end);
    struct buf text = {.arena = reader->arena};
    struct str piece;

    if (end == SIZE_MAX)
        return false;
    reader->rest = str_part(reader->rest, end, SIZE_MAX);
    for (size_t amp = str_find_byte(raw, '&'); amp != SIZE_MAX; amp = str_find_byte(raw, '&')) {
        buf_add(&text, str_part(raw, 0, amp));
        raw = str_part(raw, amp + 1, SIZE_MAX);
        if (str_find_byte(raw, ';') == SIZE_MAX || !str_cut(&raw, ';', &piece) || !add_entity(&text, piece))
            return false;
    }
    buf_add(&text, raw);
    *out = buf_str(&text);
    return true;
}

static bool
skip_value(struct reader *reader, int depth);

static bool
skip_struct(struct reader *reader, int depth)
{
    struct str name;

    while (tag(reader, "<member>"))
        if (!tag(reader, "<name>") || !text_of(reader, &name) || !tag(reader, "</name>") ||
            !skip_value(reader, depth) || !tag(reader, "</member>"))
            return false;
    return tag(reader, "</struct>");
}

static bool
skip_array(struct reader *reader, int depth)
{
    struct reader before;

    if (tag(reader, "<data/>"))
        return tag(reader, "</array>");
    if (!tag(reader, "<data>"))
        return false;
    for (;;) {
        before = *reader;
        if (!tag(&before, "<value>"))
            break;
        if (!skip_value(reader, depth))
            return false;
    }
    return tag(reader, "</data>") && tag(reader, "</array>");
}

// What stands between <value> and </value> where it is one text of some type.
static bool
scalar(struct reader *reader, struct str *out)
{
    static const char *const types[] = {"int",    "i4",     "i8",  "boolean",          "string",
                                        "double", "base64", "nil", "dateTime.iso8601", "ex:nil"};
    struct reader before = *reader;

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (tag(&before, str_printf(reader->arena, "<%s/>", types[i]).ptr)) {
            *out = STR("");
            *reader = before;
            return true;
        }
        if (tag(&before, str_printf(reader->arena, "<%s>", types[i]).ptr)) {
            *reader = before;
            return text_of(reader, out) && tag(reader, str_printf(reader->arena, "</%s>", types[i]).ptr);
        }
    }
    // Without a type it is a text, white space and all.
    return text_of(reader, out);
}

static bool
skip_value(struct reader *reader, int depth)
{
    struct str ignored;
    struct reader before;

    if (depth >= DEPTH_MOST)
        return false;
    if (tag(reader, "<value/>"))
        return true;
    if (!tag(reader, "<value>"))
        return false;
    before = *reader;
    if (tag(&before, "<struct>")) {
        *reader = before;
        return skip_struct(reader, depth + 1) && tag(reader, "</value>");
    }
    if (tag(&before, "<array>")) {
        *reader = before;
        return skip_array(reader, depth + 1) && tag(reader, "</value>");
    }
    return scalar(reader, &ignored) && tag(reader, "</value>");
}

// A member's value: its text where it is one.
static bool
member_value(struct reader *reader, struct str *out)
{
    struct reader before = *reader;
    struct reader inner;

    *out = STR("");
    if (tag(&before, "<value>")) {
        inner = before;
        if (!tag(&inner, "<struct>") && !tag(&inner, "<array>")) {
            *reader = before;
            return scalar(reader, out) && tag(reader, "</value>");
        }
    }
    return skip_value(reader, 0);
}

static bool
read_members(struct reader *reader, struct xml_rpc *out)
{
    while (tag(reader, "<member>")) {
        struct xml_rpc_member member = {0};
        if (!tag(reader, "<name>") || !text_of(reader, &member.name) || !tag(reader, "</name>") ||
            !member_value(reader, &member.text) || !tag(reader, "</member>"))
            return false;
        *LIST_ADD(reader->arena, out) = member;
    }
    return tag(reader, "</struct>");
}

static bool
read_value(struct reader *reader, struct xml_rpc *out)
{
    struct reader before = *reader;

    if (tag(&before, "<value>") && tag(&before, "<struct>")) {
        *reader = before;
        return read_members(reader, out) && tag(reader, "</value>");
    }
    struct xml_rpc_member *member = LIST_ADD(reader->arena, out);
    return member_value(reader, &member->text);
}

bool
xml_rpc_parse(struct arena *arena, struct str bytes, struct xml_rpc *out)
{
    struct reader reader = {arena, bytes};
    size_t end;

    *out = (struct xml_rpc){0};
    skip_blanks(&reader);
    if (take(&reader, STR("<?xml"))) {
        end = str_find(reader.rest, STR("?>"));
        if (end == SIZE_MAX)
            return false;
        reader.rest = str_part(reader.rest, end + 2, SIZE_MAX);
    }
    if (!tag(&reader, "<methodResponse>"))
        return false;
    out->fault = tag(&reader, "<fault>");
    bool good = out->fault ? read_value(&reader, out) && tag(&reader, "</fault>")
                           : tag(&reader, "<params>") && tag(&reader, "<param>") && read_value(&reader, out) &&
                                 tag(&reader, "</param>") && tag(&reader, "</params>");
    if (!good || !tag(&reader, "</methodResponse>"))
        return false;
    skip_blanks(&reader);
    return reader.rest.len == 0;
}

struct str
xml_rpc_member(const struct xml_rpc *answer, struct str name)
{
    for (size_t i = 0; i < answer->count; i++)
        if (str_equal(answer->items[i].name, name))
            return answer->items[i].text;
    return STR("");
}
