#include "decode/xml_rpc.h"

#include "base/buf.h"
#include "tap.h"

// "name=text" for each member, "fault:" before those of a fault; "none" for what is no answer.
static struct str
read(struct arena *arena, const char *text)
{
    struct xml_rpc answer;
    struct buf out = {.arena = arena};

    if (!xml_rpc_parse(arena, str_of(text), &answer))
        return STR("none");
    if (answer.fault)
        buf_add_c(&out, "fault:");
    for (size_t i = 0; i < answer.count; i++)
        buf_addf(&out, "%s%.*s=%.*s", i ? " " : "", STR_ARG(answer.items[i].name), STR_ARG(answer.items[i].text));
    return buf_str(&out);
}

#define RESPONSE(value) "<methodResponse><params><param>" value "</param></params></methodResponse>"
#define MEMBER(name, value) "<member><name>" name "</name>" value "</member>"

TEST(one_value_is_read)
{
    CHECK_STR(read(arena, RESPONSE("<value><boolean>1</boolean></value>")), "=1");
    CHECK_STR(read(arena, "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><int>-3</int></value>\n"
                          "</param>\n</params>\n</methodResponse>\n"),
              "=-3");
    CHECK_STR(read(arena, RESPONSE("<value>as it is</value>")), "=as it is");
    CHECK_STR(read(arena, RESPONSE("<value><string/></value>")), "=");
    CHECK_STR(read(arena, RESPONSE("<value/>")), "=");
    CHECK_STR(read(arena, RESPONSE("<value><string></string></value>")), "=");
}

TEST(members_are_read_in_their_order)
{
    CHECK_STR(read(arena, RESPONSE("<value><struct>" MEMBER("name", "<value><string>web</string></value>")
                                       MEMBER("pid", "\n<value><int>17</int></value>\n") "</struct></value>")),
              "name=web pid=17");
    CHECK_STR(read(arena, RESPONSE("<value><struct></struct></value>")), "");
}

TEST(what_lies_within_a_member_is_passed_over)
{
    CHECK_STR(
        read(arena, RESPONSE("<value><struct>" MEMBER(
                        "deep", "<value><struct>" MEMBER("pid", "<value><int>1</int></value>") "</struct></value>")
                                 MEMBER("list", "<value><array><data><value>a</value><value><int>2</int></value>"
                                                "</data></array></value>")
                                     MEMBER("none", "<value><array><data/></array></value>")
                                         MEMBER("pid", "<value><int>17</int></value>") "</struct></value>")),
        "deep= list= none= pid=17");
}

TEST(a_fault_is_told)
{
    CHECK_STR(
        read(arena, "<methodResponse><fault><value><struct>" MEMBER("faultCode", "<value><int>10</int></value>") MEMBER(
                        "faultString",
                        "<value><string>BAD_NAME: x</string></value>") "</struct></value></fault></methodResponse>"),
        "fault:faultCode=10 faultString=BAD_NAME: x");
}

TEST(entities_are_read)
{
    CHECK_STR(read(arena, RESPONSE("<value>a &lt;b&gt; &amp;&quot;&apos; &#233;&#xe9; &#x1f600;</value>")),
              "=a <b> &\"' \xc3\xa9\xc3\xa9 \xf0\x9f\x98\x80");
    static const char *const broken[] = {"&nbsp;", "&", "&#0;", "&#xd800;", "&#x110000;", "&#;", "&lt"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        CHECK_STR(read(arena, str_printf(arena, RESPONSE("<value>%s</value>"), broken[i]).ptr), "none");
}

TEST(what_is_no_answer_is_refused)
{
    static const char *const broken[] = {
        "",
        "<methodResponse>",
        "<?xml version='1.0'",
        "<methodCall></methodCall>",
        "<!DOCTYPE x [<!ENTITY a 'b'>]>" RESPONSE("<value>1</value>"),
        RESPONSE(""),
        RESPONSE("<value>1"),
        RESPONSE("<value><int>1</string></value>"),
        RESPONSE("<value a='b'>1</value>"),
        RESPONSE("<value><struct><member></member></struct></value>"),
        RESPONSE("<value><struct>" MEMBER("a", "<value>1</value>") "</value>"),
        RESPONSE(
            "<value><struct>" MEMBER("a", "<value><array><data><value>1</data></array></value>") "</struct></value>"),
        RESPONSE("<value><struct>" MEMBER("a", "<value><array></array></value>") "</struct></value>"),
        RESPONSE("<value><struct>" MEMBER("a", "1") "</struct></value>"),
        RESPONSE("<value>1</value>") "more",
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        CHECK_STR(read(arena, broken[i]), "none");
}

TEST(depth_is_bounded)
{
    struct buf text = {.arena = arena};

    for (int i = 0; i < 100000; i++)
        buf_add_c(&text, "<value><array><data>");
    CHECK_STR(read(arena, str_printf(arena, RESPONSE("<value><struct>" MEMBER("a", "%s") "</struct></value>"),
                                     buf_str(&text).ptr)
                              .ptr),
              "none");
}

TAP_MAIN
