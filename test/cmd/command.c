#include "cmd/command.h"

#include "base/json.h"
#include "tap.h"

static struct str
printed(struct arena *arena, struct str value)
{
    json_use(arena);
    cJSON *document = cJSON_CreateObject();
    json_add_str(arena, document, "name", value);
    return command_json_text(arena, document, false);
}

TEST(json_cant_touch_a_terminal)
{
    CHECK_STR(printed(arena, STR("x\xe2\x80\xaey")), "{\"name\":\"x\\u202ey\"}\n");
    CHECK_STR(printed(arena, STR("\xc2\x9b\x7f")), "{\"name\":\"\\u009b\\u007f\"}\n");
    CHECK(str_find_byte(printed(arena, STR("\x1b[2J")), '\x1b') == SIZE_MAX);
}

TEST(json_keeps_what_is_readable)
{
    CHECK_STR(printed(arena, STR("\xe7\xab\xaf")), "{\"name\":\"\xe7\xab\xaf\"}\n");
}

TEST(what_is_above_the_basic_plane_is_a_pair)
{
    // U+E0001 LANGUAGE TAG is invisible.
    CHECK_STR(printed(arena, STR("\xf3\xa0\x80\x81")), "{\"name\":\"\\udb40\\udc01\"}\n");
}

TAP_MAIN
