#include "core/http_users.h"

#include "tap.h"

static struct http_url *
add(struct arena *arena, struct host *host, const char *url, bool registered, const char *owner, uint32_t pid)
{
    struct http_url *added = LIST_ADD(arena, &host->http_urls);

    *added = (struct http_url){.url = str_of(url), .port = 80, .registered = registered, .owner = str_of(owner)};
    if (pid != 0)
        *LIST_ADD(arena, &added->pids) = pid;
    return added;
}

TEST(urls_of_one_process_or_queue_are_one_user)
{
    struct host host = {.http_known = KNOWN_YES};
    struct http_users users;

    *LIST_ADD(arena, &host.processes) = (struct process){.pid = 7, .name = STR("shopd.exe")};
    add(arena, &host, "http://+:80/a/", true, "", 7);
    add(arena, &host, "http://+:80/b/", true, "", 7);
    add(arena, &host, "http://+:80/c/", true, "Pool", 0);
    add(arena, &host, "http://+:80/d/", true, "pool", 0);
    add(arena, &host, "http://+:80/e/", true, "", 9);
    add(arena, &host, "http://+:80/f/", true, "", 0);
    add(arena, &host, "http://+:80/reserved/", false, "Everyone", 0);
    add(arena, &host, "http://+:81/", true, "", 7)->port = 81;
    http_users_find(arena, &host, 80, &users);
    CHECK_INT(users.count, 4);
    CHECK_INT(users.items[0].urls, 2);
    CHECK_STR(http_user_name(arena, &users.items[0]), "shopd (pid 7)");
    CHECK_STR(http_user_name(arena, &users.items[1]), "the queue Pool");
    CHECK_STR(http_user_name(arena, &users.items[2]), "pid 9");
    CHECK_STR(http_user_name(arena, &users.items[3]), "");
    CHECK(http_users_listen(&host, 80) && !http_users_listen(&host, 82));
}

TEST(second_address_may_tell_who_it_is)
{
    struct host host = {.http_known = KNOWN_YES};
    struct http_users users;

    add(arena, &host, "http://+:80/", true, "", 7);
    add(arena, &host, "http://+:80/ReportServer", true, "", 7);
    add(arena, &host, "+:80", true, "", 8);
    http_users_find(arena, &host, 80, &users);
    CHECK_STR(http_user_name(arena, &users.items[0]), "SQL Server Reporting Services");
    CHECK_STR(http_user_name(arena, &users.items[1]), "pid 8");
}

TEST(reservations_count_only_where_the_urls_could_not_be_read)
{
    struct host host = {.http_known = KNOWN_NOT_ALLOWED};
    struct http_users users;

    add(arena, &host, "http://+:80/x/", false, "BUILTIN\\Users", 0);
    http_users_find(arena, &host, 80, &users);
    CHECK_INT(users.count, 1);
    CHECK_STR(http_user_name(arena, &users.items[0]), "BUILTIN\\Users");
    host.http_known = KNOWN_YES;
    http_users_find(arena, &host, 80, &users);
    CHECK_INT(users.count, 0);
}

TAP_MAIN
