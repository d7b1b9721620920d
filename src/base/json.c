#include "base/json.h"

#include "base/buf.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    JSON_DEEPEST = 64
};

// Above this a JSON number may lose digits on the way (RFC 8259 section 6: IEEE 754 double).
static const uint64_t json_exact = UINT64_C(1) << 53;

static struct arena *json_arena;

static void *CJSON_CDECL
json_alloc(size_t size)
{
    return arena_alloc(json_arena, size);
}

static void CJSON_CDECL
json_free(void *memory)
{
    (void)memory; // given back with the arena
}

void
json_use(struct arena *arena)
{
    json_arena = arena;
    cJSON_Hooks hooks = {json_alloc, json_free};
    cJSON_InitHooks(&hooks);
}

// Where arrays and objects first stand deeper than allowed, or SIZE_MAX. A recursive reader must not meet such a text.
static size_t
json_too_deep(struct str text)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > JSON_DEEPEST)
                return i;
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return SIZE_MAX;
}

cJSON *
json_parse(struct arena *arena, struct str text, struct err *err)
{
    size_t deep = json_too_deep(text);
    if (deep != SIZE_MAX) {
        err_set(err, ERR_FORMAT, 0, "no good JSON: nested deeper than %d at byte %zu", JSON_DEEPEST, deep);
        return NULL;
    }
    json_use(arena);
    const char *copy = str_c(arena, text);
    const char *end = copy;
    cJSON *value = cJSON_ParseWithLengthOpts(copy, text.len + 1, &end, true);
    size_t at = (size_t)(end - copy);
    // cJSON takes a NUL byte for the end.
    if (!value || at != text.len) {
        err_set(err, ERR_FORMAT, 0, "no good JSON: broken at byte %zu", at);
        return NULL;
    }
    return value;
}

struct indent {
    struct buf out;
    size_t depth;
};

static void
indent_line(struct indent *indent)
{
    buf_add_byte(&indent->out, '\n');
    buf_pad(&indent->out, ' ', 2 * indent->depth);
}

// Lays compact JSON out with two blanks a level. Empty arrays and objects stay on one line.
static struct str
json_indent(struct arena *arena, struct str text)
{
    struct indent indent = {.out.arena = arena};
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (quoted) {
            buf_add_byte(&indent.out, c);
            if (c == '\\')
                buf_add_byte(&indent.out, text.ptr[++i]);
            else if (c == '"')
                quoted = false;
            continue;
        }
        quoted = c == '"';
        if (c == '}' || c == ']') {
            indent.depth--;
            if (text.ptr[i - 1] != '{' && text.ptr[i - 1] != '[')
                indent_line(&indent);
        }
        buf_add_byte(&indent.out, c);
        if (c == '{' || c == '[') {
            indent.depth++;
            if (text.ptr[i + 1] != '}' && text.ptr[i + 1] != ']')
                indent_line(&indent);
        } else if (c == ',') {
            indent_line(&indent);
        } else if (c == ':') {
            buf_add_byte(&indent.out, ' ');
        }
    }
    return buf_str(&indent.out);
}

// A document may be read on a terminal: what could act on it is written as an escape, which means the same in JSON.
// Such characters stand in texts only; cJSON has escaped those below U+0020 already.
static struct str
json_escape(struct arena *arena, struct str text)
{
    struct buf out = {.arena = arena};
    size_t done = 0;
    for (size_t at = 0; at < text.len;) {
        size_t length = 1;
        uint32_t point = (unsigned char)text.ptr[at];
        if (point >= 0x80)
            point = utf8_decode(str_part(text, at, text.len), &length);
        if (point >= 0x7f && !utf8_is_safe(point)) {
            buf_add(&out, str_part(text, done, at - done));
            if (point > 0xffff)
                buf_addf(&out, "\\u%04x\\u%04x", 0xd800 + ((point - 0x10000) >> 10), 0xdc00 + (point & 0x3ff));
            else
                buf_addf(&out, "\\u%04x", point);
            done = at + length;
        }
        at += length;
    }
    if (done == 0)
        return text;
    buf_add(&out, str_part(text, done, text.len));
    return buf_str(&out);
}

struct str
json_print(struct arena *arena, const cJSON *value, bool pretty)
{
    json_use(arena);
    struct str text = json_escape(arena, str_of(cJSON_PrintUnformatted(value)));
    struct buf out = {.arena = arena};
    buf_add(&out, pretty ? json_indent(arena, text) : text);
    buf_add_byte(&out, '\n');
    return buf_str(&out);
}

// The text as a C string that is valid UTF-8. A NUL is valid UTF-8 but ends a C string, so it counts as broken.
static const char *
json_text(struct arena *arena, struct str value, bool *changed)
{
    *changed = !utf8_valid(value) || str_find_byte(value, '\0') != SIZE_MAX;
    if (!*changed)
        return str_c(arena, value);
    struct buf out = {.arena = arena};
    struct str rest = utf8_repair(arena, value);
    struct str part;
    while (str_cut(&rest, '\0', &part)) {
        buf_add(&out, part);
        if (rest.ptr)
            buf_add(&out, STR("\xef\xbf\xbd"));
    }
    return buf_str(&out).ptr;
}

void
json_add_str(struct arena *arena, cJSON *object, const char *key, struct str value)
{
    bool changed;
    cJSON_AddStringToObject(object, key, json_text(arena, value, &changed));
    if (changed) {
        const char *raw_key = str_printf(arena, "%s_raw", key).ptr;
        cJSON_AddStringToObject(object, raw_key, str_c(arena, json_base64(arena, value)));
    }
}

void
json_add_null(cJSON *object, const char *key)
{
    cJSON_AddNullToObject(object, key);
}

void
json_add_str_or_null(struct arena *arena, cJSON *object, const char *key, struct str value)
{
    if (value.len > 0)
        json_add_str(arena, object, key, value);
    else
        json_add_null(object, key);
}

void
json_add_bool(cJSON *object, const char *key, bool value)
{
    cJSON_AddBoolToObject(object, key, value);
}

void
json_add_u64(struct arena *arena, cJSON *object, const char *key, uint64_t value)
{
    if (value > json_exact)
        cJSON_AddStringToObject(object, key, str_printf(arena, "%" PRIu64, value).ptr);
    else
        json_add_int(object, key, (int64_t)value);
}

void
json_add_int(cJSON *object, const char *key, int64_t value)
{
    // cJSON itself prints 15 digits and drops the others.
    if (value > -1000000000000000 && value < 1000000000000000) {
        cJSON_AddNumberToObject(object, key, (double)value);
        return;
    }
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRId64, value);
    cJSON_AddRawToObject(object, key, digits);
}

cJSON *
json_add_object(cJSON *object, const char *key)
{
    return cJSON_AddObjectToObject(object, key);
}

cJSON *
json_add_array(cJSON *object, const char *key)
{
    return cJSON_AddArrayToObject(object, key);
}

cJSON *
json_append_object(cJSON *array)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddItemToArray(array, object);
    return object;
}

void
json_append_str(struct arena *arena, cJSON *array, struct str value)
{
    bool changed;
    cJSON_AddItemToArray(array, cJSON_CreateString(json_text(arena, value, &changed)));
}

bool
json_get_str(struct arena *arena, const cJSON *object, const char *key, struct str *out)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsString(member))
        return false;
    const cJSON *raw = cJSON_GetObjectItemCaseSensitive(object, str_printf(arena, "%s_raw", key).ptr);
    if (cJSON_IsString(raw) && json_unbase64(arena, str_of(raw->valuestring), out))
        return true;
    *out = str_of(member->valuestring);
    return true;
}

bool
json_get_u64(const cJSON *object, const char *key, uint64_t *out)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, key);
    if (cJSON_IsString(member))
        return str_to_u64(str_of(member->valuestring), 10, out);
    if (!cJSON_IsNumber(member) || !(member->valuedouble >= 0 && member->valuedouble <= (double)json_exact))
        return false;
    uint64_t value = (uint64_t)member->valuedouble;
    if ((double)value != member->valuedouble) // NOLINT(clang-diagnostic-float-equal): a whole number is asked for
        return false;
    *out = value;
    return true;
}

bool
json_get_int(const cJSON *object, const char *key, int64_t *out)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, key);
    double limit = (double)json_exact;
    if (cJSON_IsString(member)) {
        struct str digits = str_of(member->valuestring);
        bool negative = str_starts(digits, STR("-"));
        uint64_t value;
        if (!str_to_u64(str_part(digits, negative, SIZE_MAX), 10, &value) || value > INT64_MAX)
            return false;
        *out = negative ? -(int64_t)value : (int64_t)value;
        return true;
    }
    if (!cJSON_IsNumber(member) || !(member->valuedouble >= -limit && member->valuedouble <= limit))
        return false;
    int64_t value = (int64_t)member->valuedouble;
    if ((double)value != member->valuedouble) // NOLINT(clang-diagnostic-float-equal): a whole number is asked for
        return false;
    *out = value;
    return true;
}

bool
json_get_bool(const cJSON *object, const char *key, bool *out)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsBool(member))
        return false;
    *out = cJSON_IsTrue(member);
    return true;
}

const cJSON *
json_get_array(const cJSON *object, const char *key)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsArray(member) ? member : NULL;
}

const cJSON *
json_get_object(const cJSON *object, const char *key)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsObject(member) ? member : NULL;
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct str
json_base64(struct arena *arena, struct str bytes)
{
    struct buf out = {.arena = arena};
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t have = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (k < have ? (unsigned char)bytes.ptr[i + k] : 0U);
        for (size_t k = 0; k < 4; k++)
            buf_add_byte(&out, k <= have ? base64_digits[group >> (18 - 6 * k) & 63] : '=');
    }
    return buf_str(&out);
}

bool
json_unbase64(struct arena *arena, struct str text, struct str *out)
{
    struct buf bytes = {.arena = arena};
    if (text.len % 4)
        return false;
    for (size_t i = 0; i < text.len; i += 4) {
        bool last = i + 4 == text.len;
        size_t have = last && text.ptr[i + 3] == '=' ? text.ptr[i + 2] == '=' ? 2 : 3 : 4;
        uint32_t group = 0;
        for (size_t k = 0; k < 4; k++) {
            size_t digit = k < have ? str_find_byte((struct str){base64_digits, 64}, text.ptr[i + k]) : 0;
            if (digit == SIZE_MAX)
                return false;
            group = group << 6 | (uint32_t)digit;
        }
        // Bits that stand for no byte must be 0, so that each text of bytes has one spelling.
        if (have < 4 && (group & ((1U << (8 * (4 - have))) - 1)))
            return false;
        for (size_t k = 0; k + 1 < have; k++)
            buf_add_byte(&bytes, (char)(group >> (16 - 8 * k) & 255));
    }
    *out = buf_str(&bytes);
    return true;
}
