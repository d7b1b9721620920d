#include "base/json_image.h"

#include "base/json.h"
#include "tap.h"

// {"name": "nginx", "ports": [80, -1], "alone": true, "none": []}, as tools/json_image.py makes it.
static const unsigned char text[] = "\0name\0nginx\0ports\0alone\0none";
static const struct json_node nodes[] = {
    {.type = cJSON_Object, .filled = true},
    {.key = 1, .text = 6, .next = 2, .type = cJSON_String},
    {.key = 12, .next = 5, .type = cJSON_Array, .filled = true},
    {.number = 80, .next = 4, .type = cJSON_Number},
    {.number = -1, .type = cJSON_Number},
    {.key = 18, .next = 6, .type = cJSON_True},
    {.key = 24, .type = cJSON_Array},
};
static const struct json_image image = {nodes, sizeof nodes / sizeof *nodes, text};

TEST(an_image_is_the_document_that_it_was_made_of)
{
    const cJSON *parsed =
        json_parse(arena, STR("{\"name\": \"nginx\", \"ports\": [80, -1], \"alone\": true, \"none\": []}"), NULL);
    const cJSON *opened = json_image_open(arena, &image);
    CHECK(cJSON_Compare(parsed, opened, true));
    CHECK_STR(json_print(arena, opened, false), "{\"name\":\"nginx\",\"ports\":[80,-1],\"alone\":true,\"none\":[]}\n");
}

TEST(members_and_elements_are_found)
{
    const cJSON *opened = json_image_open(arena, &image);
    const cJSON *ports = json_get_array(opened, "ports");
    CHECK_INT(cJSON_GetArraySize(ports), 2);
    CHECK_INT(cJSON_GetArrayItem(ports, 1)->valueint, -1);
    CHECK(!cJSON_GetArrayItem(ports, 2));
    CHECK_INT(cJSON_GetArraySize(json_get_array(opened, "none")), 0);
    CHECK(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(opened, "alone")));
    CHECK(!cJSON_GetObjectItemCaseSensitive(opened, "other"));
}

TAP_MAIN
