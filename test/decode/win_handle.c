#include "decode/win_handle.h"

#include "tap.h"
#include "win_bytes.h"

TEST(handles_are_read)
{
    char *list = win_bytes(arena, 16 + 2 * 40);
    win_put(list, 0, 8, 2);
    win_put(list, 56, 8, UINT64_C(0xffffc00112345678));
    win_put(list, 64, 8, 8124);
    win_put(list, 72, 8, 0x1c4);
    win_put(list, 80, 4, 0x16019f);
    win_put(list, 86, 2, 37);
    struct str bytes = win_exact(arena, list, 16 + 2 * 40);
    CHECK_INT(win_handle_count(bytes), 2);
    struct win_handle handle = win_handle_at(bytes, 1);
    CHECK(handle.object == UINT64_C(0xffffc00112345678));
    CHECK_INT(handle.pid, 8124);
    CHECK_INT(handle.value, 0x1c4);
    CHECK_INT(handle.access, 0x16019f);
    CHECK_INT(handle.type, 37);
}

TEST(more_handles_than_bytes_are_not_believed)
{
    char *list = win_bytes(arena, 16 + 2 * 40);
    win_put(list, 0, 8, UINT64_MAX);
    CHECK_INT(win_handle_count(win_exact(arena, list, 16 + 2 * 40 - 1)), 1);
    CHECK_INT(win_handle_count(win_exact(arena, list, 16)), 0);
    CHECK_INT(win_handle_count(win_exact(arena, list, 15)), 0);
    CHECK_INT(win_handle_count((struct str){0}), 0);
}

TEST(socket_address_is_read)
{
    struct address address;
    uint16_t port;
    CHECK(win_afd_address(STR("\x02\0\x1f\x90\x7f\0\0\1\0\0\0\0\0\0\0\0"), &address, &port));
    CHECK_STR(address_format_port(arena, address, port), "127.0.0.1:8080");
    CHECK(win_afd_address(STR("\x17\0\0\x50\0\0\0\0\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x0c\0\0\0"), &address, &port));
    CHECK_STR(address_format_port(arena, address, port), "[fe80::1%12]:80");
    CHECK(win_afd_address(STR("\x17\0\0\x50\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\x10\0\0"), &address, &port));
    CHECK_STR(address_format_port(arena, address, port), "[::1]:80");
}

TEST(socket_of_an_old_transport_wraps_its_address)
{
    struct address address;
    uint16_t port;
    struct str answer = STR("\1\0\0\0\1\0\0\0\x0e\0\2\0\x1f\x90\x0a\0\0\7\0\0\0\0\0\0\0\0");
    CHECK(win_afd_address(answer, &address, &port));
    CHECK_STR(address_format_port(arena, address, port), "10.0.0.7:8080");
    CHECK(!win_afd_address(str_part(answer, 0, 17), &address, &port));
}

TEST(other_families_and_cut_answers_are_no_addresses)
{
    struct address address;
    uint16_t port;
    CHECK(!win_afd_address(STR("\1\0/tmp/x"), &address, &port));
    CHECK(!win_afd_address(STR("\x22\0\0\0\2\0\0\0\x0e\0\2\0\x1f\x90\x0a\0\0\7"), &address, &port));
    CHECK(!win_afd_address((struct str){0}, &address, &port));
    struct str whole = STR("\x17\0\0\x50\0\0\0\0\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x0c\0\0\0");
    for (size_t size = 0; size < whole.len; size++)
        CHECK(!win_afd_address(win_exact(arena, whole.ptr, size), &address, &port));
}

TEST(context_tells_what_kind_of_socket_it_is)
{
    char *bytes = win_bytes(arena, 46);
    struct win_afd_context context;
    win_put(bytes, 0, 4, 1);
    win_put(bytes, 4, 4, 23);
    win_put(bytes, 8, 4, 1);
    win_put(bytes, 12, 4, 6);
    win_put(bytes, 44, 2, 0x1021);
    CHECK(win_afd_context(win_exact(arena, bytes, 46), &context));
    CHECK_INT(context.state, 1);
    CHECK_INT(context.family, 23);
    CHECK_INT(context.type, 1);
    CHECK_INT(context.protocol, 6);
    CHECK(context.listening && !context.reuse && context.exclusive);
    win_put(bytes, 0, 4, UINT32_MAX);
    win_put(bytes, 44, 2, 0x10);
    CHECK(win_afd_context(win_exact(arena, bytes, 46), &context));
    CHECK_INT(context.state, -1);
    CHECK(!context.listening && context.reuse && !context.exclusive);
    CHECK(!win_afd_context(win_exact(arena, bytes, 45), &context));
}

TAP_MAIN
