// Any bytes as an answer over HTTP: what is whole stays whole when more comes, and lies within what was given.

#include "decode/http.h"

#include <assert.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_open();
    struct str bytes = {(const char *)data, size};
    struct http_answer whole = {.status = 0};
    struct http_answer cut = {.status = 0};
    enum http_state state = http_parse(arena, bytes, false, &whole);
    enum http_state ended = http_parse(arena, bytes, true, &cut);
    assert(ended != HTTP_MORE);
    assert(state != HTTP_DONE || (ended == HTTP_DONE && str_equal(whole.body, cut.body)));
    assert(state != HTTP_BROKEN || ended == HTTP_BROKEN);
    if (ended == HTTP_DONE) {
        assert(cut.status >= 200 && cut.status <= 599 && cut.body.len <= size && cut.headers.len <= HTTP_HEAD_LIMIT);
        http_header(&cut, STR("Server"));
    }
    unsigned status = 0;
    enum http_state head = http_status(bytes, &status);
    assert(head != HTTP_DONE || (status >= 200 && status <= 599));
    assert(ended != HTTP_DONE || (head == HTTP_DONE && status == cut.status));
    if (size > 0 && http_parse(arena, str_part(bytes, 0, size - 1), false, &cut) == HTTP_DONE)
        assert(state == HTTP_DONE && whole.status == cut.status && str_equal(whole.body, cut.body));
    arena_close(arena);
    return 0;
}
