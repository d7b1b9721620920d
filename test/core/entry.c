#include "core/entry.h"

#include "tap.h"

static struct str
command(struct arena *arena, const char *of, const char *name, const char *api)
{
    struct supervisor_entry entry = {{KNOWN_YES, str_of(name)}, str_of(of), str_of(api)};

    CHECK(entry_is_known(&entry));
    return entry_command(arena, &entry, "start");
}

TEST(what_to_type_names_the_place_where_it_is_not_the_usual_one)
{
    CHECK_STR(command(arena, "supervisord", "web", "/var/run/supervisor.sock"), "supervisorctl start web");
    CHECK_STR(command(arena, "supervisord", "shop:web", "/srv/s.sock"),
              "supervisorctl -s unix:///srv/s.sock start shop:web");
    CHECK_STR(command(arena, "supervisord", "web", "127.0.0.1:9001"),
              "supervisorctl -s http://127.0.0.1:9001 start web");
    CHECK_STR(command(arena, "pm2", "3", "/home/ann/.pm2/rpc.sock"), "pm2 start 3");
    CHECK_STR(command(arena, "pm2", "3", "/srv/pm2/rpc.sock"), "PM2_HOME=/srv/pm2 pm2 start 3");
}

TEST(what_was_not_read_is_no_entry)
{
    CHECK(!entry_is_known(&(struct supervisor_entry){.name = {KNOWN_NOT_ALLOWED, STR("web")}}));
    CHECK(!entry_is_known(&(struct supervisor_entry){.name = {KNOWN_YES, STR("")}}));
    struct holder holder = {.pid = 40};
    CHECK(entry_supervisor(arena, &holder) == NULL);
}

TAP_MAIN
