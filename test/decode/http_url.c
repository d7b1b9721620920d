#include "decode/http_url.h"

#include "windows_data.h"

// A line for each: "HTTP://*:80/ 80 DefaultAppPool 6044 6052".
static struct str
as_lines(struct arena *arena, const struct host *host)
{
    struct buf out = {.arena = arena};

    for (size_t i = 0; i < host->http_urls.count; i++) {
        const struct http_url *url = &host->http_urls.items[i];
        CHECK(url->registered);
        buf_addf(&out, "%.*s %u %.*s", STR_ARG(url->url), url->port, STR_ARG(url->owner));
        for (size_t k = 0; k < url->pids.count; k++)
            buf_addf(&out, " %u", url->pids.items[k]);
        buf_add_byte(&out, '\n');
    }
    return buf_str(&out);
}

TEST(port_of_every_form_of_prefix_is_found)
{
    static const struct {
        const char *url;
        uint16_t port;
    } rows[] = {
        {"http://+:5357/", 5357},
        {"HTTP://*:80/", 80},
        {"HTTP://127.0.0.1:80:127.0.0.1/app/", 80},
        {"https://[::1]:443/x:1/", 443},
        {"HTTP://[fe80::1%3]:8080:[fe80::1%3]/", 8080},
        {"http://shop.example:8080", 8080},
        {"Http://localhost:65535/", 65535},
        {"http://localhost/", 0},
        {"http://localhost:0/", 0},
        {"http://localhost:65536/", 0},
        {"http://localhost:8o/", 0},
        {"http://[::1/", 0},
        {"http://[::1]/", 0},
        {"ftp://x:21/", 0},
        {"http:", 0},
        {"", 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint16_t port = 0;
        CHECK_INT(http_url_port(str_of(rows[i].url), &port), rows[i].port != 0);
        CHECK_INT(port, rows[i].port);
    }
}

TEST(queues_are_read_in_every_language)
{
    static const char *const languages[] = {"en.437", "de.850", "fr.850", "ja.932"};

    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++) {
        struct host host = {0};
        http_url_read_queues(arena, windows_data(arena, str_printf(arena, "queues-%s.txt", languages[i]).ptr), &host);
        CHECK_STR(as_lines(arena, &host), "HTTP://+:5985/WSMAN/ 5985  2312\n"
                                          "HTTP://+:47001/WSMAN/ 47001  2312\n"
                                          "HTTP://*:80/ 80 DefaultAppPool 6044 6052\n"
                                          "HTTPS://127.0.0.1:443:127.0.0.1/SHOP/ 443 DefaultAppPool 6044 6052\n"
                                          "HTTP://[::1]:8081/ 8081 IdlePool\n"
                                          "HTTP://*:5357/4C2CDC17-BEFE-4441-899A-CC530F03F2DF/ 5357  1404\n");
    }
}

TEST(processes_with_their_image_are_read)
{
    struct host host = {0};

    http_url_read_queues(arena, windows_data(arena, "queues-modern.437.txt"), &host);
    CHECK_STR(as_lines(arena, &host), "HTTP://+:5985/WSMAN/ 5985  3569\n"
                                      "HTTP://+:47001/WSMAN/ 47001  3569\n"
                                      "HTTP://127.0.0.1:19443:127.0.0.1/ 19443  33704\n");
}

TEST(sentence_in_place_of_a_name_is_no_name)
{
    struct host host = {0};

    http_url_read_queues(arena,
                         STR("Name: has none.\n  P:\n    1\n  U:\n    http://a:1/\n"
                             "Name: \xe5\x90\x8d\xe3\x80\x82\n  U:\n    http://a:2/\n"
                             "Name: same\n  U:\n    http://a:3/\n"
                             "Name: same\n  U:\n    http://a:4/\n"
                             "Name: P\xf6ol\n  U:\n    http://a:5/\n"
                             "Name: P\xc3\xb6ol\n\tU:\n\t  http://a:6/\n"),
                         &host);
    CHECK_STR(as_lines(arena, &host),
              "http://a:1/ 1  1\nhttp://a:2/ 2 \nhttp://a:3/ 3 \nhttp://a:4/ 4 \nhttp://a:5/ 5 \n"
              "http://a:6/ 6 P\xc3\xb6ol\n");
}

TEST(url_of_two_queues_has_the_processes_of_both)
{
    struct host host = {0};

    http_url_read_queues(arena,
                         STR("http://x:9/\n"
                             "Queue: a\n  Pids:\n    4\n    5\n    5\n    0\n    4294967296\n  Urls:\n    http://x:9/\n"
                             "Queue: b\n  Pids:\n    5\n    6\n  Urls:\n    HTTP://X:9/\n    http://nowhere/\n"),
                         &host);
    CHECK_STR(as_lines(arena, &host), "http://x:9/ 9 b 4 5 6\n");
}

TEST(text_without_queues_gives_nothing)
{
    struct host host = {0};

    http_url_read_queues(arena, STR(""), &host);
    http_url_read_queues(arena, STR("\r\nHTTP service is not running.\r\n  80\n12\n"), &host);
    CHECK_INT(host.http_urls.count, 0);
    CHECK(http_url_add(arena, STR("no url"), &host) == NULL);
}

TAP_MAIN
