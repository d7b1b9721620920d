#include "decode/snapshot.h"

#include "base/json.h"
#include "base/utf8.h"
#include "decode/snapshot_shape.h"

#include <inttypes.h>
#include <string.h>

static void
write_shape(struct arena *arena, cJSON *object, const struct shape *shape, const char *data);

// The number of any unsigned kind.
static uint64_t
number_at(enum field_kind kind, const char *where)
{
    uint8_t small;
    uint16_t port;
    uint32_t word;
    uint64_t big;
    size_t size;
    unsigned long code;

    switch (kind) {
    case FIELD_U8:
        memcpy(&small, where, sizeof small);
        return small;
    case FIELD_U16:
        memcpy(&port, where, sizeof port);
        return port;
    case FIELD_SIZE:
        memcpy(&size, where, sizeof size);
        return size;
    case FIELD_ULONG:
        memcpy(&code, where, sizeof code);
        return code;
    case FIELD_U64:
        memcpy(&big, where, sizeof big);
        return big;
    default:
        memcpy(&word, where, sizeof word);
        return word;
    }
}

// A reason why there is no value stands beside it, under "unknown".
static void
write_unknown(cJSON *object, const char *key, enum known known)
{
    if (known == KNOWN_NOT_ASKED)
        return;
    cJSON *unknown = cJSON_GetObjectItemCaseSensitive(object, "unknown");
    if (!unknown)
        unknown = json_add_object(object, "unknown");
    json_add_null(object, key);
    cJSON_AddStringToObject(unknown, key, host_known_name(known).ptr);
}

// Texts; where one of them is no clean UTF-8, the bytes of all of them stand beside in base64.
static void
write_texts(struct arena *arena, cJSON *object, const char *key, const char *where)
{
    struct str_list texts;
    bool clean = true;

    memcpy(&texts, where, sizeof texts);
    cJSON *array = json_add_array(object, key);
    for (size_t i = 0; i < texts.count; i++) {
        json_append_str(arena, array, texts.items[i]);
        clean = clean && utf8_valid(texts.items[i]) && str_find_byte(texts.items[i], '\0') == SIZE_MAX;
    }
    if (clean)
        return;
    cJSON *raw = json_add_array(object, str_printf(arena, "%s_raw", key).ptr);
    for (size_t i = 0; i < texts.count; i++)
        json_append_str(arena, raw, json_base64(arena, texts.items[i]));
}

static void
write_list(struct arena *arena, cJSON *object, const struct field *field, const char *where)
{
    struct any_list list = snapshot_list_get(where);
    cJSON *array = json_add_array(object, field->key);

    for (size_t i = 0; i < list.count; i++)
        write_shape(arena, json_append_object(array), field->shape, (const char *)list.items + i * field->shape->size);
}

static void
write_numbers(cJSON *object, const char *key, const char *where)
{
    struct {
        LIST_OF(uint32_t);
    } list;

    memcpy(&list, where, sizeof list);
    cJSON *array = json_add_array(object, key);
    for (size_t i = 0; i < list.count; i++)
        cJSON_AddItemToArray(array, cJSON_CreateNumber(list.items[i]));
}

static void
write_text(struct arena *arena, cJSON *object, const struct field *field, const char *where)
{
    struct str text;
    memcpy(&text, where, sizeof text);
    if (text.len == 0)
        return;
    json_add_str(arena, object, field->key, field->kind == FIELD_BYTES ? json_base64(arena, text) : text);
}

static void
write_fact(struct arena *arena, cJSON *object, const char *key, const char *where)
{
    struct fact fact;
    memcpy(&fact, where, sizeof fact);
    if (fact.known == KNOWN_YES)
        json_add_str(arena, object, key, fact.value);
    else
        write_unknown(object, key, fact.known);
}

static void
write_address(struct arena *arena, cJSON *object, const struct field *field, const char *data)
{
    struct address address;
    memcpy(&address, data + field->offset, sizeof address);
    if (address.family == FAMILY_NONE)
        return;
    if (field->kind == FIELD_ADDRESS) {
        json_add_str(arena, object, field->key, address_format(arena, address));
        return;
    }
    uint16_t port;
    memcpy(&port, data + field->second, sizeof port);
    json_add_str(arena, object, field->key, address_format_port(arena, address, port));
}

static int64_t
signed_at(const char *where)
{
    int64_t value;
    memcpy(&value, where, sizeof value);
    return value;
}

// A time keeps all its digits: what a JSON number would round is written as a string.
static void
write_signed(struct arena *arena, cJSON *object, const char *key, const char *where)
{
    static const int64_t exact = INT64_C(1) << 53;
    int64_t value = signed_at(where);
    if (value > exact || value < -exact)
        json_add_str(arena, object, key, str_printf(arena, "%" PRId64, value));
    else
        json_add_int(object, key, value);
}

// What may be known or not, or has few values.
static void
write_choice(struct arena *arena, cJSON *object, const struct field *field, const char *data)
{
    const char *where = data + field->offset;
    unsigned word;
    bool flag = true;

    switch (field->kind) {
    case FIELD_BOOL:
        memcpy(&flag, where, sizeof flag);
        if (flag)
            json_add_bool(object, field->key, true);
        return;
    case FIELD_TRI:
        memcpy(&word, where, sizeof word);
        if (word != TRI_UNKNOWN)
            json_add_bool(object, field->key, word == TRI_YES);
        return;
    case FIELD_WORD:
        memcpy(&word, where, sizeof word);
        if (word < field->words->count && field->words->name(word).len > 0)
            json_add_str(arena, object, field->key, field->words->name(word));
        return;
    case FIELD_LETTER:
        if (*where)
            json_add_str(arena, object, field->key, (struct str){where, 1});
        return;
    case FIELD_MAYBE_U32:
        memcpy(&flag, data + field->second, sizeof flag);
        if (flag)
            json_add_u64(arena, object, field->key, number_at(FIELD_U32, where));
        return;
    default: // FIELD_MAYBE_I64, FIELD_I64
        if (field->kind == FIELD_MAYBE_I64)
            memcpy(&flag, data + field->second, sizeof flag);
        else
            flag = signed_at(where) != 0;
        if (flag)
            write_signed(arena, object, field->key, where);
    }
}

static void
write_field(struct arena *arena, cJSON *object, const struct field *field, const char *data)
{
    const char *where = data + field->offset;

    switch (field->kind) {
    case FIELD_TEXT:
    case FIELD_BYTES:
        write_text(arena, object, field, where);
        return;
    case FIELD_FACT:
        write_fact(arena, object, field->key, where);
        return;
    case FIELD_TEXTS:
        write_texts(arena, object, field->key, where);
        return;
    case FIELD_ARGV:
        if (snapshot_known_get(data + field->second) == KNOWN_YES)
            write_texts(arena, object, field->key, where);
        else
            write_unknown(object, field->key, snapshot_known_get(data + field->second));
        return;
    case FIELD_U32S:
        write_numbers(object, field->key, where);
        return;
    case FIELD_LIST:
        write_list(arena, object, field, where);
        return;
    case FIELD_ADDRESS:
    case FIELD_ENDPOINT:
        write_address(arena, object, field, data);
        return;
    case FIELD_U8:
    case FIELD_U16:
    case FIELD_U32:
    case FIELD_U64:
    case FIELD_ULONG:
    case FIELD_SIZE:
        if (field->kind == FIELD_SIZE || number_at(field->kind, where) != 0)
            json_add_u64(arena, object, field->key, number_at(field->kind, where));
        return;
    default:
        write_choice(arena, object, field, data);
    }
}

static void
write_shape(struct arena *arena, cJSON *object, const struct shape *shape, const char *data)
{
    for (size_t i = 0; i < shape->count; i++)
        write_field(arena, object, &shape->fields[i], data);
}

struct str
snapshot_write(struct arena *arena, const struct host *host, bool redact)
{
    json_use(arena);
    cJSON *document = cJSON_CreateObject();
    json_add_str(arena, document, "schema", STR("moorage.snapshot/1"));
    if (redact) {
        struct host redacted = snapshot_redact(arena, host);
        write_shape(arena, document, &snapshot_host_shape, (const char *)&redacted);
    } else {
        write_shape(arena, document, &snapshot_host_shape, (const char *)host);
    }
    return json_print(arena, document, true);
}
