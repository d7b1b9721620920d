#include "base/json.h"

#include "base/buf.h"

#include "tap.h"

static struct str
compact(struct arena *arena, const cJSON *value)
{
    return str_trim(json_print(arena, value, false));
}

TEST(text_that_is_empty_is_null_where_that_is_asked_for)
{
    json_use(arena);
    cJSON *root = cJSON_CreateObject();
    json_add_str_or_null(arena, root, "name", STR("web"));
    json_add_str_or_null(arena, root, "image", STR(""));
    CHECK_STR(json_print(arena, root, false), "{\"name\":\"web\",\"image\":null}\n");
}

TEST(a_document_is_printed_on_one_line_or_indented)
{
    json_use(arena);
    cJSON *root = cJSON_CreateObject();
    json_add_str(arena, root, "schema", STR("moorage.list/1"));
    cJSON *rows = json_add_array(root, "rows");
    cJSON *row = json_append_object(rows);
    json_add_int(row, "port", 8080);
    json_add_null(row, "device");
    json_add_array(row, "none");
    json_add_object(row, "empty");
    json_append_str(arena, rows, STR("a\"b\\{[,:"));
    CHECK_STR(json_print(arena, root, false),
              "{\"schema\":\"moorage.list/1\",\"rows\":[{\"port\":8080,\"device\":null,\"none\":[],\"empty\":{}},"
              "\"a\\\"b\\\\{[,:\"]}\n");
    CHECK_STR(json_print(arena, root, true), "{\n"
                                             "  \"schema\": \"moorage.list/1\",\n"
                                             "  \"rows\": [\n"
                                             "    {\n"
                                             "      \"port\": 8080,\n"
                                             "      \"device\": null,\n"
                                             "      \"none\": [],\n"
                                             "      \"empty\": {}\n"
                                             "    },\n"
                                             "    \"a\\\"b\\\\{[,:\"\n"
                                             "  ]\n"
                                             "}\n");
}

TEST(what_was_printed_is_read_again)
{
    json_use(arena);
    cJSON *root = cJSON_CreateObject();
    json_add_str(arena, root, "text", STR("gr\xc3\xbc\xc3\x9f\n\x01"));
    json_add_bool(root, "yes", true);
    json_add_bool(root, "no", false);
    json_add_u64(arena, root, "exact", UINT64_C(1) << 53);
    json_add_u64(arena, root, "large", UINT64_MAX);
    json_add_int(root, "negative", -17);
    cJSON_AddStringToObject(root, "least", "-9223372036854775807");
    struct err err = {0};
    for (int pretty = 0; pretty < 2; pretty++) {
        cJSON *again = json_parse(arena, json_print(arena, root, pretty), &err);
        CHECK(again);
        struct str text;
        bool yes = false;
        bool no = true;
        uint64_t exact = 0;
        uint64_t large = 0;
        int64_t negative = 0;
        int64_t least = 0;
        CHECK(json_get_str(arena, again, "text", &text));
        CHECK_STR(text, "gr\xc3\xbc\xc3\x9f\n\x01");
        CHECK(json_get_bool(again, "yes", &yes) && yes);
        CHECK(json_get_bool(again, "no", &no) && !no);
        CHECK(json_get_u64(again, "exact", &exact) && exact == UINT64_C(1) << 53);
        CHECK(json_get_u64(again, "large", &large) && large == UINT64_MAX);
        CHECK(json_get_int(again, "negative", &negative) && negative == -17);
        CHECK(json_get_int(again, "least", &least) && least == -INT64_MAX);
    }
}

TEST(large_numbers_are_written_as_text)
{
    json_use(arena);
    cJSON *root = cJSON_CreateObject();
    json_add_u64(arena, root, "a", UINT64_C(1) << 53);
    json_add_u64(arena, root, "b", (UINT64_C(1) << 53) + 1);
    CHECK_STR(compact(arena, root), "{\"a\":9007199254740992,\"b\":\"9007199254740993\"}");
}

TEST(broken_text_keeps_its_bytes_beside)
{
    json_use(arena);
    cJSON *root = cJSON_CreateObject();
    json_add_str(arena, root, "name",
                 STR("a\xff"
                     "b"));
    json_add_str(arena, root, "nul", STR("\0x\0"));
    json_add_str(arena, root, "good", STR("ab"));
    CHECK_STR(compact(arena, root), "{\"name\":\"a\xef\xbf\xbd"
                                    "b\",\"name_raw\":\"Yf9i\",\"nul\":\"\xef\xbf\xbdx\xef\xbf\xbd\","
                                    "\"nul_raw\":\"AHgA\",\"good\":\"ab\"}");
    cJSON *again = json_parse(arena, json_print(arena, root, true), NULL);
    struct str text;
    CHECK(json_get_str(arena, again, "name", &text));
    CHECK_STR(text, "a\xff"
                    "b");
    CHECK(json_get_str(arena, again, "nul", &text));
    CHECK(str_equal(text, STR("\0x\0")));
}

TEST(bytes_beside_that_are_no_base64_are_ignored)
{
    struct str text;
    cJSON *root = json_parse(arena, STR("{\"a\":\"x\",\"a_raw\":\"???\",\"b\":\"y\",\"b_raw\":1}"), NULL);
    CHECK(json_get_str(arena, root, "a", &text));
    CHECK_STR(text, "x");
    CHECK(json_get_str(arena, root, "b", &text));
    CHECK_STR(text, "y");
}

TEST(a_broken_document_says_where)
{
    struct err err = {0};
    CHECK(!json_parse(arena, STR("{\"a\": tru}"), &err));
    CHECK_INT(err.kind, ERR_FORMAT);
    CHECK_STR(str_of(err.text), "no good JSON: broken at byte 6");
    CHECK(!json_parse(arena, STR(""), &err));
    CHECK(!json_parse(arena, (struct str){0}, &err));
    CHECK(!json_parse(arena, STR("{} x"), &err));
    CHECK(!json_parse(arena, STR("{}\0 x"), &err));
    CHECK(!json_parse(arena, STR("[1,"), &err));
    CHECK(!json_parse(arena, STR("\"open"), &err));
    CHECK(!json_parse(arena, STR("nope"), NULL));
    CHECK(json_parse(arena, STR(" {} \n"), &err));
}

TEST(deep_nesting_is_refused)
{
    struct buf deep = {.arena = arena};
    buf_pad(&deep, '[', 64);
    buf_pad(&deep, ']', 64);
    CHECK(json_parse(arena, buf_str(&deep), NULL));
    struct err err = {0};
    struct buf deeper = {.arena = arena};
    buf_pad(&deeper, '[', 65);
    buf_pad(&deeper, ']', 65);
    CHECK(!json_parse(arena, buf_str(&deeper), &err));
    CHECK_STR(str_of(err.text), "no good JSON: nested deeper than 64 at byte 64");
    struct buf wide = {.arena = arena};
    buf_add_c(&wide, "[\"\\\"[[[[");
    buf_pad(&wide, '[', 100);
    buf_add_c(&wide, "\"");
    for (int i = 0; i < 100; i++)
        buf_add_c(&wide, ",{},[]");
    buf_add_c(&wide, "]");
    CHECK(json_parse(arena, buf_str(&wide), &err));
    CHECK(!json_parse(arena, STR("]]"), &err));
}

TEST(members_of_another_type_are_not_given)
{
    cJSON *root = json_parse(arena,
                             STR("{\"n\":1,\"s\":\"x\",\"b\":true,\"a\":[],\"o\":{},\"f\":1.5,\"big\":1e300,\"neg\":-1,"
                                 "\"minus\":\"-\",\"huge\":\"9223372036854775808\"}"),
                             NULL);
    struct str text = STR("kept");
    bool flag = true;
    uint64_t u64 = 7;
    int64_t i64 = 7;
    CHECK(!json_get_str(arena, root, "n", &text) && !json_get_str(arena, root, "missing", &text));
    CHECK(!json_get_bool(root, "n", &flag) && !json_get_bool(root, "missing", &flag));
    CHECK(!json_get_u64(root, "s", &u64) && !json_get_u64(root, "f", &u64) && !json_get_u64(root, "big", &u64));
    CHECK(!json_get_u64(root, "neg", &u64) && !json_get_u64(root, "b", &u64) && !json_get_u64(root, "missing", &u64));
    CHECK(!json_get_int(root, "s", &i64) && !json_get_int(root, "f", &i64) && !json_get_int(root, "big", &i64));
    CHECK(!json_get_int(root, "minus", &i64) && !json_get_int(root, "huge", &i64) && !json_get_int(root, "o", &i64));
    CHECK_STR(text, "kept");
    CHECK(flag && u64 == 7 && i64 == 7);
    CHECK(json_get_array(root, "a") && !json_get_array(root, "o") && !json_get_array(root, "missing"));
    CHECK(json_get_object(root, "o") && !json_get_object(root, "a") && !json_get_object(root, "missing"));
}

TEST(base64_has_the_vectors_of_rfc_4648)
{
    static const char *const rows[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str bytes;
        CHECK_STR(json_base64(arena, str_of(rows[i][0])), rows[i][1]);
        CHECK(json_unbase64(arena, str_of(rows[i][1]), &bytes));
        CHECK_STR(bytes, rows[i][0]);
    }
}

TEST(base64_carries_every_byte)
{
    char all[256];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)i;
    for (size_t len = 0; len <= sizeof all; len++) {
        struct str bytes;
        CHECK(json_unbase64(arena, json_base64(arena, (struct str){all, len}), &bytes));
        CHECK(str_equal(bytes, (struct str){all, len}));
    }
}

TEST(what_is_no_base64_is_refused)
{
    static const char *const rows[] = {
        "Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zg==Zg==", "Z===", "====", "Zm8\n", "Zm-v", "Z=8="};
    struct str bytes = STR("kept");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK(!json_unbase64(arena, str_of(rows[i]), &bytes));
    CHECK_STR(bytes, "kept");
}

TEST(characters_that_act_on_a_terminal_are_escaped_in_documents)
{
    json_use(arena);
    cJSON *object = cJSON_CreateObject();
    json_add_str(arena, object, "name",
                 STR("a\x7f\xc2\x9b"
                     "b\xe2\x80\xae"
                     "c\xf3\xa0\x80\x81\xc3\xa9\x1b"));
    CHECK_STR(json_print(arena, object, false),
              "{\"name\":\"a\\u007f\\u009bb\\u202ec\\udb40\\udc01\xc3\xa9\\u001b\"}\n");
    struct err err;
    cJSON *again = json_parse(arena, json_print(arena, object, true), &err);
    struct str name;
    CHECK(json_get_str(arena, again, "name", &name));
    CHECK_STR(name, "a\x7f\xc2\x9b"
                    "b\xe2\x80\xae"
                    "c\xf3\xa0\x80\x81\xc3\xa9\x1b");
}

TAP_MAIN
