#include "decode/security.h"

#include "base/buf.h"
#include "tap.h"

#define BYTES(literal) ((struct str){literal, sizeof(literal) - 1})

static struct str
joined(struct arena *arena, const struct str_list *list)
{
    struct buf out = {.arena = arena};

    for (size_t i = 0; i < list->count; i++)
        buf_addf(&out, "%s%.*s", i ? " " : "", STR_ARG(list->items[i]));
    return buf_str(&out);
}

static struct str
read_text(struct arena *arena, const char *text)
{
    struct str_list list = {0};

    return security_parse_text(arena, str_of(text), &list) ? joined(arena, &list) : STR("none");
}

static struct str
read_bytes(struct arena *arena, struct str bytes)
{
    struct str_list list = {0};

    return security_parse_bytes(arena, bytes, &list) ? joined(arena, &list) : STR("none");
}

TEST(who_is_allowed_is_told_from_the_text_form)
{
    CHECK_STR(read_text(arena, "D:(A;;GX;;;BU)(A;;GX;;;LS)"), "S-1-5-32-545 S-1-5-19");
    CHECK_STR(read_text(arena, "D:(A;;GX;;;S-1-5-80-569256582-2953403351-2909559716-1301513147-412116970)"
                               "(A;;GX;;;S-1-5-80-4059739203-877974739-1245631912-527174227-2996563517)"),
              "S-1-5-80-569256582-2953403351-2909559716-1301513147-412116970 "
              "S-1-5-80-4059739203-877974739-1245631912-527174227-2996563517");
    CHECK_STR(read_text(arena, "O:BAG:SYD:PAI(A;;GA;;;WD)(a;;GX;;;wd)(D;;GX;;;AN)S:(AU;SA;GA;;;WD)"), "S-1-1-0");
    CHECK_STR(read_text(arena, "D:(XA;;GX;;;S-1-1-0;(@User.Title == \"a\"))(A;;GX;;;ZZ)"), "ZZ");
}

TEST(broken_text_allows_nobody)
{
    static const char *const none[] = {"", "D", "O:BA", "(D:)"};
    static const char *const nobody[] = {"D:", "D:(", "D:)(A", "D:(A;;GX;;)", "D:(A;;GX;;;)", "D:P(A;;GX;;;BU"};

    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        CHECK_STR(read_text(arena, none[i]), "none");
    for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++)
        CHECK_STR(read_text(arena, nobody[i]), "");
}

// D:(A;;GX;;;LS)(D;;GX;;;AN)(A;;GX;;;S-1-5-80-1-4294967295)
#define DESCRIPTOR                                                                     \
    "\x01\x00\x04\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x14\x00\x00\x00" \
    "\x02\x00\x4c\x00\x03\x00\x00\x00"                                                 \
    "\x00\x00\x14\x00\x00\x00\x00\x20\x01\x01\x00\x00\x00\x00\x00\x05\x13\x00\x00\x00" \
    "\x01\x00\x14\x00\x00\x00\x00\x20\x01\x01\x00\x00\x00\x00\x00\x05\x07\x00\x00\x00" \
    "\x00\x00\x1c\x00\x00\x00\x00\x20\x01\x03\x00\x00\x00\x00\x00\x05\x50\x00\x00\x00\x01\x00\x00\x00\xff\xff\xff\xff"

TEST(who_is_allowed_is_told_from_the_bytes)
{
    CHECK_STR(read_bytes(arena, BYTES(DESCRIPTOR)), "S-1-5-19 S-1-5-80-1-4294967295");
    struct str large = BYTES("\x01\x00\x04\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x14\x00\x00\x00"
                             "\x02\x00\x18\x00\x01\x00\x00\x00"
                             "\x00\x00\x10\x00\x00\x00\x00\x20\x01\x00\x01\x00\x00\x00\x00\x02");
    CHECK_STR(read_bytes(arena, large), "S-1-0x10000000002");
}

TEST(bytes_that_end_early_or_lie_are_refused_or_cut)
{
    struct str whole = BYTES(DESCRIPTOR);

    for (size_t len = 0; len < whole.len; len++) {
        char *cut = malloc(len + 1);
        struct str_list list = {0};
        CHECK(cut != NULL);
        memcpy(cut, whole.ptr, len);
        security_parse_bytes(arena, (struct str){cut, len}, &list);
        CHECK(list.count < 2);
        free(cut);
    }
    struct str lies = str_copy(arena, whole);
    char *bytes = (char *)(uintptr_t)lies.ptr;
    bytes[28 + 2] = 4; // an entry smaller than its head
    CHECK_STR(read_bytes(arena, lies), "none");
    bytes[28 + 2] = 0x14;
    bytes[28 + 9] = 16; // a SID longer than its entry
    CHECK_STR(read_bytes(arena, lies), "S-1-5-80-1-4294967295");
    bytes[16] = 0; // no list
    CHECK_STR(read_bytes(arena, lies), "none");
}

TAP_MAIN
