#include "cmd/why_lines.h"

#include "tap.h"

static struct host host = {.ipv6 = true};
static struct report_privacy privacy;

static struct why_outcome *
add(struct arena *arena, struct why_outcomes *outcomes, uint16_t port, enum protocol protocol, enum why_verdict verdict)
{
    struct why_outcome *outcome = LIST_ADD(arena, outcomes);

    outcome->answer.question.endpoint.first = port;
    outcome->answer.question.endpoint.last = port;
    outcome->answer.question.protocol = protocol;
    outcome->answer.verdict = verdict;
    outcome->answer.bindable = verdict == WHY_FREE;
    outcome->answer.proved = true;
    outcome->beside = protocol == PROTOCOL_UDP;
    outcomes->ports += protocol == PROTOCOL_TCP;
    if (verdict == WHY_TAKEN) {
        struct cause *cause = LIST_ADD(arena, &outcome->answer.causes);
        *cause = (struct cause){.kind = CAUSE_LISTENER, .blocks = true, .sentence = STR("node listens")};
        *LIST_ADD(arena, &cause->holders) = (struct holder){.pid = 17};
    }
    return outcome;
}

static struct str
text_at(struct arena *arena, const struct why_outcomes *outcomes, size_t width)
{
    struct why_view view = {arena, &host, &privacy, width, false};
    struct buf out = {.arena = arena};

    why_lines_print(&view, outcomes, &out);
    return buf_str(&out);
}

static struct str
text_of(struct arena *arena, const struct why_outcomes *outcomes)
{
    return text_at(arena, outcomes, 0);
}

TEST(one_port_is_told_in_full_and_udp_only_where_it_matters)
{
    struct why_outcomes outcomes = {0};

    add(arena, &outcomes, 80, PROTOCOL_TCP, WHY_FREE);
    add(arena, &outcomes, 80, PROTOCOL_UDP, WHY_FREE);
    CHECK_STR(text_of(arena, &outcomes), "Port 80 (TCP) is free\n");
    outcomes.count = 1;
    add(arena, &outcomes, 80, PROTOCOL_UDP, WHY_TAKEN);
    CHECK_STR(text_of(arena, &outcomes), "Port 80 (TCP) is free\n\nPort 80 (UDP) is taken by pid 17\n");
}

TEST(a_missing_right_is_told_once)
{
    struct why_outcomes outcomes = {0};

    for (enum protocol protocol = PROTOCOL_TCP; protocol <= PROTOCOL_UDP; protocol++) {
        struct why_outcome *outcome = add(arena, &outcomes, 80, protocol, WHY_NOT_ALLOWED);
        *LIST_ADD(arena, &outcome->answer.causes) =
            (struct cause){.kind = CAUSE_PRIVILEGED, .blocks = true, .sentence = STR("a right is missing")};
    }
    CHECK_STR(text_of(arena, &outcomes), "Port 80 (TCP) is not allowed: a right is missing\n");
}

TEST(several_ports_are_lines_then_details_then_a_count)
{
    struct why_outcomes outcomes = {0};

    add(arena, &outcomes, 80, PROTOCOL_TCP, WHY_FREE);
    add(arena, &outcomes, 80, PROTOCOL_UDP, WHY_FREE);
    add(arena, &outcomes, 8080, PROTOCOL_TCP, WHY_TAKEN);
    add(arena, &outcomes, 8080, PROTOCOL_UDP, WHY_FREE);
    CHECK_STR(text_of(arena, &outcomes), "80    TCP  free\n"
                                         "8080  TCP  taken  pid 17\n"
                                         "\n"
                                         "Port 8080 (TCP) is taken by pid 17\n"
                                         "\n"
                                         "2 ports: 1 free, 1 not\n");
}

TEST(many_free_neighbours_share_a_line_on_a_terminal)
{
    struct why_outcomes outcomes = {0};

    for (uint16_t port = 3000; port < 3030; port++) {
        add(arena, &outcomes, port, PROTOCOL_TCP, port == 3010 ? WHY_TAKEN : WHY_FREE);
        add(arena, &outcomes, port, PROTOCOL_UDP, port == 3020 ? WHY_TAKEN : WHY_FREE);
    }
    struct str text = text_at(arena, &outcomes, 80);
    CHECK(str_starts(text, STR("3000-3009  TCP  free\n"
                               "3010       TCP  taken  pid 17\n"
                               "3011-3020  TCP  free\n"
                               "3020       UDP  taken  pid 17\n"
                               "3021-3029  TCP  free\n")));
    CHECK(str_ends(text, STR("30 ports: 29 free, 1 not\n")));
    text = text_of(arena, &outcomes);
    CHECK(str_find(text, STR("\n3005  TCP  free\n")) != SIZE_MAX);
}

TEST(many_taken_ports_have_no_details_on_a_terminal)
{
    struct why_outcomes outcomes = {0};

    for (uint16_t port = 3000; port < 3006; port++)
        add(arena, &outcomes, port, PROTOCOL_TCP, WHY_TAKEN);
    struct str text = text_at(arena, &outcomes, 80);
    CHECK(str_find(text, STR("Port ")) == SIZE_MAX);
    CHECK(str_ends(text, STR("6 ports: 0 free, 6 not\nmoorage PORT tells all about one of them\n")));
    text = text_of(arena, &outcomes);
    CHECK(str_find(text, STR("Port 3000 (TCP) is taken by pid 17\n")) != SIZE_MAX);
    CHECK(str_find(text, STR("Port 3005 (TCP) is taken by pid 17\n")) != SIZE_MAX);
}

TEST(what_is_worth_telling_of_a_free_port_stands_in_its_line)
{
    struct why_outcomes outcomes = {0};

    add(arena, &outcomes, 80, PROTOCOL_TCP, WHY_FREE)->answer.plain_warning = STR("free for most servers");
    struct why_outcome *outcome = add(arena, &outcomes, 81, PROTOCOL_TCP, WHY_FREE);
    *LIST_ADD(arena, &outcome->answer.causes) =
        (struct cause){.kind = CAUSE_REDIRECT, .sentence = STR("a packet rule catches it")};
    CHECK_STR(text_of(arena, &outcomes), "80  TCP  free  free for most servers\n"
                                         "81  TCP  free  a packet rule catches it\n"
                                         "\n"
                                         "2 ports: 2 free, 0 not\n");
}

TEST(what_could_not_be_found_out_is_counted)
{
    struct why_outcomes outcomes = {0};

    add(arena, &outcomes, 80, PROTOCOL_TCP, WHY_FREE);
    add(arena, &outcomes, 81, PROTOCOL_TCP, WHY_UNKNOWN);
    add(arena, &outcomes, 82, PROTOCOL_TCP, WHY_FREE)->failed = true;
    CHECK(str_ends(text_of(arena, &outcomes), STR("3 ports: 1 free, 0 not, 2 could not be found out\n")));
}

TAP_MAIN
