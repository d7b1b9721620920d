#include "decode/http.h"

#include "base/buf.h"
#include "tap.h"

#define OK "HTTP/1.1 200 OK\r\n"

// Parses as if nothing more came.
static enum http_state
parse(struct arena *arena, struct str bytes, bool ended, struct http_answer *out)
{
    *out = (struct http_answer){.status = 0};
    return http_parse(arena, bytes, ended, out);
}

static enum http_state
state_of(struct arena *arena, const char *text, bool ended)
{
    struct http_answer answer;
    return parse(arena, str_of(text), ended, &answer);
}

TEST(a_body_of_known_length_is_whole_when_it_is_there)
{
    struct http_answer answer;
    struct str text = STR(OK "Content-Length: 5\r\nServer:  Docker/24 (linux) \r\n\r\nhello and more");
    CHECK_INT(parse(arena, text, false, &answer), HTTP_DONE);
    CHECK_INT(answer.status, 200);
    CHECK_STR(answer.body, "hello");
    CHECK_STR(http_header(&answer, STR("server")), "Docker/24 (linux)");
    CHECK_STR(http_header(&answer, STR("Date")), "");
}

TEST(every_piece_of_an_answer_asks_for_more)
{
    static const char *const texts[] = {
        OK "Content-Length: 5\r\n\r\nhello",
        OK "Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 2\r\n\r\nhi",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct str text = str_of(texts[i]);
        struct http_answer answer;
        for (size_t len = 0; len < text.len; len++) {
            CHECK_INT(parse(arena, str_part(text, 0, len), false, &answer), HTTP_MORE);
            CHECK_INT(parse(arena, str_part(text, 0, len), true, &answer), HTTP_BROKEN);
        }
        CHECK_INT(parse(arena, text, false, &answer), HTTP_DONE);
        CHECK_INT(answer.status, 200);
    }
}

TEST(chunks_are_put_together)
{
    struct http_answer answer;
    struct str text =
        STR(OK "transfer-encoding: Chunked\r\n\r\n5\r\nhello\r\n00c;n=\"v\"\r\n, all of you\r\n0\r\n\r\n");
    CHECK_INT(parse(arena, text, false, &answer), HTTP_DONE);
    CHECK_STR(answer.body, "hello, all of you");
    CHECK_INT(parse(arena, STR(OK "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), false, &answer), HTTP_DONE);
    CHECK_STR(answer.body, "");
}

TEST(without_a_length_the_body_goes_on_to_the_end)
{
    struct http_answer answer;
    CHECK_INT(parse(arena, STR("HTTP/1.0 404 \n\nno such"), false, &answer), HTTP_MORE);
    CHECK_INT(parse(arena, STR("HTTP/1.0 404 \n\nno such"), true, &answer), HTTP_DONE);
    CHECK_INT(answer.status, 404);
    CHECK_STR(answer.body, "no such");
}

TEST(some_answers_have_no_body)
{
    struct http_answer answer;
    CHECK_INT(parse(arena, STR("HTTP/1.1 204 No Content\r\n\r\nx"), false, &answer), HTTP_DONE);
    CHECK_STR(answer.body, "");
    CHECK_INT(parse(arena, STR("HTTP/1.1 304\r\nContent-Length: 9\r\n\r\n"), false, &answer), HTTP_DONE);
    CHECK_STR(answer.body, "");
}

TEST(what_is_no_http_is_refused_at_once)
{
    static const char *const texts[] = {
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 2 0 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 600 OK\r\n\r\n",
        "HTTP/1.1200 OK\r\n\r\n",
        "HTTP/1.1\r\n\r\n",
        OK "no colon\r\n\r\n",
        OK ": no name\r\n\r\n",
        OK "Name : blank\r\n\r\n",
        OK " folded: line\r\n\r\n",
        OK "Content-Length: -1\r\n\r\n",
        OK "Content-Length: 99999999999999999999999\r\n\r\n",
        OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        OK "Transfer-Encoding: gzip, chunked\r\n\r\n",
        OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\n\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CHECK_INT(state_of(arena, texts[i], false), HTTP_BROKEN);
    }
    CHECK_INT(state_of(arena, OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", false), HTTP_DONE);
}

// `start`, then `count` times `filler`, without an end.
static struct str
endless(struct arena *arena, const char *start, const char *filler, size_t count)
{
    struct buf text = {.arena = arena};
    buf_add_c(&text, start);
    for (size_t i = 0; i < count; i++)
        buf_add_c(&text, filler);
    return buf_str(&text);
}

TEST(a_head_without_end_is_refused)
{
    struct http_answer answer;
    struct str text = endless(arena, "HTTP/1.1 200 ", "x", HTTP_HEAD_LIMIT);
    CHECK_INT(parse(arena, text, false, &answer), HTTP_BROKEN);
    text = endless(arena, OK, "X: y\r\n", HTTP_HEAD_LIMIT / 6 + 1);
    CHECK_INT(parse(arena, text, false, &answer), HTTP_BROKEN);
    text = endless(arena, OK, "x", HTTP_HEAD_LIMIT);
    CHECK_INT(parse(arena, text, false, &answer), HTTP_BROKEN);
    text = endless(arena, OK "Transfer-Encoding: chunked\r\n\r\n", "0", HTTP_HEAD_LIMIT + 1);
    CHECK_INT(parse(arena, text, false, &answer), HTTP_BROKEN);
    text = endless(arena, OK "Transfer-Encoding: chunked\r\n\r\n0\r\n", "x", HTTP_HEAD_LIMIT + 1);
    CHECK_INT(parse(arena, text, false, &answer), HTTP_BROKEN);
}

TEST(the_status_is_known_before_the_body)
{
    unsigned status = 0;

    CHECK_INT(http_status(STR("HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\n"), &status), HTTP_DONE);
    CHECK_INT(status, 503);
    CHECK_INT(http_status(STR("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 204\r\n\r\n"), &status), HTTP_DONE);
    CHECK_INT(status, 204);
    CHECK_INT(http_status(STR("HTTP/1.1 200 OK\r\nServer: x"), &status), HTTP_MORE);
    CHECK_INT(http_status(STR(""), &status), HTTP_MORE);
    CHECK_INT(http_status(STR("SSH-2.0-x"), &status), HTTP_BROKEN);
    CHECK_INT(http_status(STR("HTTP/1.1 abc\r\n\r\n"), &status), HTTP_BROKEN);
    CHECK_INT(status, 204);
}

TEST(requests_are_whole_and_name_their_host)
{
    CHECK_STR(http_api_request(arena, STR("GET"), STR("/containers/json")),
              "GET /containers/json HTTP/1.1\r\nHost: localhost\r\nUser-Agent: moorage/" MOORAGE_VERSION
              "\r\nAccept: application/json\r\nConnection: close\r\n\r\n");
    CHECK(str_find(http_api_request(arena, STR("POST"), STR("/containers/a/stop")),
                   STR("\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")) != SIZE_MAX);
    CHECK_STR(http_get_request(arena, STR("db"), 80, STR("/health")),
              "GET /health HTTP/1.1\r\nHost: db:80\r\nUser-Agent: moorage\r\nAccept: */*\r\n\r\n");
    CHECK(str_find(http_get_request(arena, STR("::1"), 8080, STR("/")), STR("\r\nHost: [::1]:8080\r\n")) != SIZE_MAX);
}

TAP_MAIN
