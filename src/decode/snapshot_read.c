#include "decode/snapshot.h"

#include "base/json.h"
#include "decode/snapshot_shape.h"

#include <limits.h>
#include <string.h>

static bool
read_shape(struct arena *arena, const cJSON *object, const struct shape *shape, char *data, struct err *err);

static bool
wrong(const struct field *field, struct err *err, const char *what)
{
    return err_set(err, ERR_FORMAT, 0, "%s is no %s", field->key, what);
}

static bool
read_text(struct arena *arena, const cJSON *object, const struct field *field, char *where, struct err *err)
{
    struct str text;
    if (!json_get_str(arena, object, field->key, &text))
        return wrong(field, err, "text");
    if (field->kind == FIELD_BYTES && !json_unbase64(arena, text, &text))
        return wrong(field, err, "base64");
    memcpy(where, &text, sizeof text);
    return true;
}

// Why a member is null; a document that does not say it comes from a system that does not have the fact.
static enum known
read_unknown(const cJSON *object, const char *key)
{
    const cJSON *reason = cJSON_GetObjectItemCaseSensitive(json_get_object(object, "unknown"), key);
    enum known known = KNOWN_UNSUPPORTED;
    if (cJSON_IsString(reason))
        host_known_parse(str_of(reason->valuestring), &known);
    return known;
}

static bool
read_fact(struct arena *arena, const cJSON *object, const struct field *field, char *where, struct err *err)
{
    struct fact fact = {.known = KNOWN_YES};
    if (!json_get_str(arena, object, field->key, &fact.value))
        return wrong(field, err, "text");
    memcpy(where, &fact, sizeof fact);
    return true;
}

static bool
read_texts(struct arena *arena, const cJSON *object, const struct field *field, char *where, struct err *err)
{
    struct str_list texts = {0};
    const cJSON *array = json_get_array(object, field->key);
    const cJSON *raw = json_get_array(object, str_printf(arena, "%s_raw", field->key).ptr);
    const cJSON *item;

    if (!array)
        return wrong(field, err, "array");
    if (raw && cJSON_GetArraySize(raw) != cJSON_GetArraySize(array))
        return err_set(err, ERR_FORMAT, 0, "%s_raw has not the length of %s", field->key, field->key);
    raw = raw ? raw->child : NULL;
    cJSON_ArrayForEach(item, array)
    {
        if (!cJSON_IsString(item))
            return wrong(field, err, "array of texts");
        struct str *text = LIST_ADD(arena, &texts);
        *text = str_of(item->valuestring);
        if (raw && !(cJSON_IsString(raw) && json_unbase64(arena, str_of(raw->valuestring), text)))
            return err_set(err, ERR_FORMAT, 0, "%s_raw is no base64", field->key);
        raw = raw ? raw->next : NULL;
    }
    memcpy(where, &texts, sizeof texts);
    return true;
}

static bool
read_numbers(struct arena *arena, const cJSON *object, const struct field *field, char *where, struct err *err)
{
    struct {
        LIST_OF(uint32_t);
    } list = {0};
    const cJSON *array = json_get_array(object, field->key);
    const cJSON *item;

    if (!array)
        return wrong(field, err, "array");
    cJSON_ArrayForEach(item, array)
    {
        double value = cJSON_IsNumber(item) ? item->valuedouble : -1;
        if (!(value >= 0 && value <= UINT32_MAX) || value > (double)(uint32_t)value)
            return wrong(field, err, "array of numbers");
        *LIST_ADD(arena, &list) = (uint32_t)value;
    }
    memcpy(where, &list, sizeof list);
    return true;
}

static bool
read_list(struct arena *arena, const cJSON *object, const struct field *field, char *where, struct err *err)
{
    struct any_list list = {0};
    size_t size = field->shape->size;
    const cJSON *array = json_get_array(object, field->key);
    const cJSON *item;

    if (!array)
        return wrong(field, err, "array");
    cJSON_ArrayForEach(item, array)
    {
        list.items = list_room(arena, list.items, list.count, &list.capacity, size);
        if (!cJSON_IsObject(item))
            return wrong(field, err, "array of objects");
        if (!read_shape(arena, item, field->shape, (char *)list.items + list.count * size, err))
            return err_prefix(err, "%s[%zu]", field->key, list.count);
        list.count++;
    }
    snapshot_list_set(where, list);
    return true;
}

// "1.2.3.4:80", "[::1]:80"
static bool
parse_endpoint(struct str text, struct address *address, uint16_t *port)
{
    size_t colon = str_find_last_byte(text, ':');
    uint64_t number;

    if (colon == SIZE_MAX || !str_to_u64(str_part(text, colon + 1, SIZE_MAX), 10, &number) || number > UINT16_MAX)
        return false;
    struct str host = str_part(text, 0, colon);
    bool brackets = str_starts(host, STR("[")) && str_ends(host, STR("]"));
    if (!address_parse(brackets ? str_part(host, 1, host.len - 2) : host, address))
        return false;
    *port = (uint16_t)number;
    return brackets == (address->family == FAMILY_IPV6);
}

static bool
read_address(struct arena *arena, const cJSON *object, const struct field *field, char *data, struct err *err)
{
    struct address address = {0};
    struct str text;
    uint16_t port = 0;

    if (!json_get_str(arena, object, field->key, &text))
        return wrong(field, err, "text");
    if (field->kind == FIELD_ADDRESS ? !address_parse(text, &address) : !parse_endpoint(text, &address, &port))
        return wrong(field, err, field->kind == FIELD_ADDRESS ? "address" : "address and port");
    memcpy(data + field->offset, &address, sizeof address);
    if (field->kind == FIELD_ENDPOINT)
        memcpy(data + field->second, &port, sizeof port);
    return true;
}

// The greatest value of an unsigned kind.
static uint64_t
number_limit(enum field_kind kind)
{
    switch (kind) {
    case FIELD_U8:
        return UINT8_MAX;
    case FIELD_U16:
        return UINT16_MAX;
    case FIELD_SIZE:
        return SIZE_MAX;
    case FIELD_ULONG:
        return ULONG_MAX;
    case FIELD_U64:
        return UINT64_MAX;
    default:
        return UINT32_MAX;
    }
}

static bool
read_number(const cJSON *object, const struct field *field, char *data, struct err *err)
{
    char *where = data + field->offset;
    uint64_t value;

    if (!json_get_u64(object, field->key, &value) || value > number_limit(field->kind))
        return wrong(field, err, "number of its range");
    switch (field->kind) {
    case FIELD_U8:
        memcpy(where, &(uint8_t){(uint8_t)value}, sizeof(uint8_t));
        break;
    case FIELD_U16:
        memcpy(where, &(uint16_t){(uint16_t)value}, sizeof(uint16_t));
        break;
    case FIELD_SIZE:
        memcpy(where, &(size_t){(size_t)value}, sizeof(size_t));
        break;
    case FIELD_ULONG:
        memcpy(where, &(unsigned long){(unsigned long)value}, sizeof(unsigned long));
        break;
    case FIELD_U64:
        memcpy(where, &value, sizeof value);
        break;
    default:
        memcpy(where, &(uint32_t){(uint32_t)value}, sizeof(uint32_t));
    }
    if (field->kind == FIELD_MAYBE_U32)
        memcpy(data + field->second, &(bool){true}, sizeof(bool));
    return true;
}

static bool
read_signed(const cJSON *object, const struct field *field, char *data, struct err *err)
{
    int64_t value;
    if (!json_get_int(object, field->key, &value))
        return wrong(field, err, "number of its range");
    memcpy(data + field->offset, &value, sizeof value);
    if (field->kind == FIELD_MAYBE_I64)
        memcpy(data + field->second, &(bool){true}, sizeof(bool));
    return true;
}

static bool
read_word(struct arena *arena, const cJSON *object, const struct field *field, char *where, struct err *err)
{
    struct str word;
    if (!json_get_str(arena, object, field->key, &word))
        return wrong(field, err, "text");
    for (unsigned value = 0; value < field->words->count; value++) {
        if (word.len == 0 || !str_equal(field->words->name(value), word))
            continue;
        memcpy(where, &value, sizeof value);
        return true;
    }
    return wrong(field, err, "known word");
}

// What is true, false, or one letter.
static bool
read_small(struct arena *arena, const cJSON *object, const struct field *field, char *where, struct err *err)
{
    bool flag;
    struct str letter;

    if (field->kind == FIELD_LETTER) {
        if (!json_get_str(arena, object, field->key, &letter) || letter.len != 1)
            return wrong(field, err, "letter");
        *where = letter.ptr[0];
        return true;
    }
    if (!json_get_bool(object, field->key, &flag))
        return wrong(field, err, "truth value");
    if (field->kind == FIELD_BOOL)
        memcpy(where, &flag, sizeof flag);
    else
        memcpy(where, &(enum tri){flag ? TRI_YES : TRI_NO}, sizeof(enum tri));
    return true;
}

static bool
read_field(struct arena *arena, const cJSON *object, const struct field *field, char *data, struct err *err)
{
    char *where = data + field->offset;

    switch (field->kind) {
    case FIELD_TEXT:
    case FIELD_BYTES:
        return read_text(arena, object, field, where, err);
    case FIELD_FACT:
        return read_fact(arena, object, field, where, err);
    case FIELD_ARGV:
        memcpy(data + field->second, &(enum known){KNOWN_YES}, sizeof(enum known));
        return read_texts(arena, object, field, where, err);
    case FIELD_TEXTS:
        return read_texts(arena, object, field, where, err);
    case FIELD_U32S:
        return read_numbers(arena, object, field, where, err);
    case FIELD_LIST:
        return read_list(arena, object, field, where, err);
    case FIELD_ADDRESS:
    case FIELD_ENDPOINT:
        return read_address(arena, object, field, data, err);
    case FIELD_WORD:
        return read_word(arena, object, field, where, err);
    case FIELD_BOOL:
    case FIELD_TRI:
    case FIELD_LETTER:
        return read_small(arena, object, field, where, err);
    case FIELD_I64:
    case FIELD_MAYBE_I64:
        return read_signed(object, field, data, err);
    default:
        return read_number(object, field, data, err);
    }
}

// Fills the zeroed struct at `data`.
static bool
read_shape(struct arena *arena, const cJSON *object, const struct shape *shape, char *data, struct err *err)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, field->key);
        if (!member)
            continue;
        if (!cJSON_IsNull(member)) {
            if (!read_field(arena, object, field, data, err))
                return false;
            continue;
        }
        // A fact begins with why it is unknown; everything else that is null has its empty value.
        size_t where = field->kind == FIELD_ARGV ? field->second : field->offset + offsetof(struct fact, known);
        if (field->kind == FIELD_FACT || field->kind == FIELD_ARGV)
            memcpy(data + where, &(enum known){read_unknown(object, field->key)}, sizeof(enum known));
    }
    return true;
}

// Facts that refer to others must find them.
static bool
check_host(const struct host *host, struct err *err)
{
    for (size_t i = 0; i < host->sockets.count; i++)
        if (host->sockets.items[i].local.family == FAMILY_NONE)
            return err_set(err, ERR_FORMAT, 0, "sockets[%zu] has no local address", i);
    for (size_t i = 0; i < host->holdings.count; i++)
        if (host->holdings.items[i].socket >= host->sockets.count)
            return err_set(err, ERR_FORMAT, 0, "holdings[%zu]: there is no socket %zu", i,
                           host->holdings.items[i].socket);
    return true;
}

static bool
read_host(struct arena *arena, const cJSON *object, struct host *host, struct err *err)
{
    *host = (struct host){0};
    return read_shape(arena, object, &snapshot_host_shape, (char *)host, err) && check_host(host, err);
}

static bool
read_step(struct arena *arena, const cJSON *object, struct script_step *step, struct err *err)
{
    static const struct field fields[] = {
        {"after_ms", FIELD_U32, offsetof(struct script_step, after_ms), 0, NULL, NULL},
        {"after_act", FIELD_TEXT, offsetof(struct script_step, after_act), 0, NULL, NULL},
        {"remove", FIELD_TEXTS, offsetof(struct script_step, remove), 0, NULL, NULL},
        {"end", FIELD_U32S, offsetof(struct script_step, end), 0, NULL, NULL},
    };
    static const struct shape shape = {fields, sizeof fields / sizeof *fields, sizeof(struct script_step)};
    const cJSON *add = json_get_object(object, "add");

    return read_shape(arena, object, &shape, (char *)step, err) && (!add || read_host(arena, add, &step->add, err));
}

static bool
read_script(struct arena *arena, const cJSON *document, struct script *script, struct err *err)
{
    const cJSON *array = json_get_array(document, "script");
    const cJSON *item;

    *script = (struct script){0};
    cJSON_ArrayForEach(item, array)
    {
        if (!read_step(arena, item, LIST_ADD(arena, script), err))
            return err_prefix(err, "script[%zu]", script->count - 1);
    }
    return true;
}

bool
snapshot_parse(struct arena *arena, struct str text, struct host *out, struct script *script, struct err *err)
{
    struct str schema;
    const cJSON *document = json_parse(arena, text, err);

    if (!document)
        return false;
    if (!json_get_str(arena, document, "schema", &schema) || !str_equal(schema, STR("moorage.snapshot/1")))
        return err_set(err, ERR_FORMAT, 0, "this is no moorage.snapshot/1");
    return read_host(arena, document, out, err) && (!script || read_script(arena, document, script, err));
}
