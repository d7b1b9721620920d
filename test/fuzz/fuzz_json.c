// Any bytes as JSON: what is read can be printed, and reads the same again. The bytes as base64 too.

#include "base/json.h"

#include <assert.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
round_trip(struct arena *arena, struct str text)
{
    cJSON *value = json_parse(arena, text, NULL);
    if (!value)
        return;
    struct str printed = json_print(arena, value, false);
    cJSON *again = json_parse(arena, json_print(arena, value, true), NULL);
    assert(again);
    assert(str_equal(json_print(arena, again, false), printed));
}

static void
carry(struct arena *arena, struct str text)
{
    json_use(arena);
    cJSON *object = cJSON_CreateObject();
    json_add_str(arena, object, "text", text);
    cJSON *again = json_parse(arena, json_print(arena, object, false), NULL);
    struct str got;
    assert(again && json_get_str(arena, again, "text", &got) && str_equal(got, text));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_open();
    struct str text = {(const char *)data, size};
    round_trip(arena, text);
    carry(arena, text);
    struct str bytes;
    if (json_unbase64(arena, text, &bytes))
        assert(str_equal(json_base64(arena, bytes), text));
    arena_close(arena);
    return 0;
}
