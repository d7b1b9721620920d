#include "cmd/dispatch.h"

#include "cmd/table.h"
#include "tap.h"

static struct dispatch
find(struct arena *arena, const char *line)
{
    static char *argv[16];
    struct service_table services = {0};
    struct dispatch dispatch;
    struct str rest = str_of(line);
    struct str word;
    int argc = 0;

    while (str_word(&rest, &word))
        argv[argc++] = str_c(arena, word);
    dispatch_find(arena, argc, argv, &services, &dispatch);
    return dispatch;
}

TEST(nothing_means_list)
{
    CHECK(find(arena, "").command == &command_list);
    CHECK(find(arena, "--all --json").command == &command_list);
}

TEST(a_command_is_taken_by_its_name)
{
    CHECK(find(arena, "wait 8080").command == &command_wait);
    CHECK(find(arena, "run -- npm start").command == &command_run);
    CHECK(find(arena, "run npm start").command == &command_run);
    CHECK(find(arena, "--json wait 8080").command == &command_wait);
}

TEST(a_port_means_why)
{
    CHECK(find(arena, "8080").command == &command_why);
    CHECK(find(arena, "udp/53").command == &command_why);
    CHECK(find(arena, "[::1]:80").command == &command_why);
    CHECK(find(arena, "-").command == &command_why);
    CHECK(find(arena, "0").command == &command_why);
}

TEST(aliases_are_commands)
{
    CHECK(find(arena, "ls").command == &command_list);
    CHECK(find(arena, "ps").command == &command_list);
    CHECK(find(arena, "who 80").command == &command_why);
    CHECK(find(arena, "explain 80").command == &command_why);
    CHECK(find(arena, "status 80").command == &command_why);
}

TEST(options_may_stand_before_the_command)
{
    struct dispatch dispatch = find(arena, "--json --color never why 8080");

    CHECK(dispatch.command == &command_why);
    CHECK_INT(dispatch.argc, 4);
    CHECK_STR(str_of(dispatch.argv[3]), "8080");
    CHECK(find(arena, "--json 8080").command == &command_why);
    CHECK(find(arena, "--on ::1 80").command == &command_why);
    CHECK(find(arena, "-jq why 80").command == &command_why);
}

TEST(the_value_of_an_option_is_no_command)
{
    CHECK(find(arena, "--sort name").command == &command_list);
    CHECK(find(arena, "-s port").command == &command_list);
    CHECK(find(arena, "--watch 2").command == &command_list);
    CHECK(find(arena, "--watch 3000").command == &command_list);
    CHECK_STR(find(arena, "--watch 3000").word, "3000");
    CHECK(find(arena, "--watch why 80").command == &command_why);
}

TEST(options_of_the_list_or_a_program_beside_a_port_ask_for_the_list)
{
    CHECK(find(arena, "--sort=name 80").command == &command_list);
    CHECK(find(arena, "-sname 80").command == &command_list);
    CHECK(find(arena, "8080 --pids").command == &command_list);
    CHECK(find(arena, "-oport,pid 8080").command == &command_list);
    CHECK(find(arena, "8080 no-such-thing").command == &command_list);
    CHECK(find(arena, "8080 --all").command == &command_why);
    CHECK(find(arena, "8080 --on ::1").command == &command_why);
    CHECK(find(arena, "8080 -- --pids").command == &command_why);
}

TEST(a_word_is_the_name_of_a_program)
{
    struct dispatch dispatch = find(arena, "no-such-thing");

    CHECK(dispatch.command == &command_list);
    CHECK(dispatch.bare);
    CHECK_INT(dispatch.argc, 1);
    CHECK(find(arena, "why no-such-thing").command == &command_list);
}

TEST(a_service_name_wins_over_a_program)
{
    CHECK(find(arena, "postgresql").command == &command_why);
}

TEST(why_runs_what_is_no_port)
{
    static const char *const commands[] = {"why -- node server.js", "why -- ./server",      "why -- ssh host",
                                           "why --json -- sh -c x", "who -- /usr/bin/node", "why -- C:\\node.exe"};
    static const char *const ports[] = {"why -- 8080", "why -- postgresql", "why -- 99999", "why -- 80 443",
                                        "why 80 --"};

    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        CHECK(find(arena, commands[i]).command == &command_why_command);
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++)
        CHECK(find(arena, ports[i]).command == &command_why);
}

TEST(commands_of_later_are_told)
{
    static const char *const words[] = {"top",    "ui",  "scan", "move",  "watch", "audit",
                                        "policy", "lsp", "mcp",  "agent", "hub"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct dispatch dispatch = find(arena, words[i]);
        CHECK(dispatch.later);
        CHECK(str_find(later_sentence(arena, dispatch.later, dispatch.word), STR("not yet")) != SIZE_MAX);
    }
    CHECK(find(arena, "8080 move").later);
    CHECK(find(arena, "move curl -k").later);
    CHECK(!find(arena, "list move").later);
}

TEST(a_port_is_freed_however_that_is_said)
{
    static const char *const lines[] = {"free 8080",     "kill 8080", "stop 8080", "8080 free",    "8080 kill",
                                        "why 8080 kill", "-k 8080",   "8080 -k",   "free -k 8080", "why 8080 -k -k"};

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct dispatch dispatch = find(arena, lines[i]);
        CHECK(dispatch.command == &command_free && !dispatch.later);
        CHECK_INT(dispatch.argc, 1);
        CHECK_STR(str_of(dispatch.argv[0]), "8080");
    }
    struct dispatch dispatch = find(arena, "8080 --kill --timeout 5");
    CHECK(dispatch.command == &command_free && dispatch.argc == 4);
    CHECK_STR(dispatch_again(arena, &dispatch), "moorage free 8080 --kill --timeout 5");
    CHECK(find(arena, "--timeout 5 8080 free").command == &command_free);
    CHECK(find(arena, "list free").command == &command_list);
    CHECK(find(arena, "list -k").command == &command_list);
    CHECK(find(arena, "8080 -- -k").command != &command_free);
}

TEST(near_commands_are_found)
{
    CHECK(strcmp(table_near(STR("lst")), "list") == 0);
    CHECK(strcmp(table_near(STR("docter")), "doctor") == 0);
    CHECK(strcmp(table_near(STR("fre")), "free") == 0);
    CHECK(table_near(STR("postgres")) == NULL);
    CHECK(table_near(STR("xy")) == NULL);
}

TEST(the_line_can_be_typed_again)
{
    struct dispatch dispatch = find(arena, "--udp it's");

    CHECK_STR(dispatch_again(arena, &dispatch), "moorage list --udp 'it'\\''s'");
}

TAP_MAIN
