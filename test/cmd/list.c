#include "cmd/list_groups.h"

#include "cmd/list_cells.h"
#include "cmd/list_rows.h"
#include "tap.h"

enum {
    ANN = 1000,
};

static struct process *
add_process(struct arena *arena, struct host *host, uint32_t pid, uint32_t ppid, const char *name, uint32_t uid,
            const char *group)
{
    struct process *process = LIST_ADD(arena, &host->processes);

    process->pid = pid;
    process->known = KNOWN_YES;
    process->ppid = ppid;
    process->name = str_of(name);
    process->uid_known = true;
    process->uid = uid;
    process->user = (struct fact){KNOWN_YES, uid == 0 ? STR("root") : STR("ann")};
    process->cgroup = (struct fact){KNOWN_YES, str_of(group)};
    return process;
}

static size_t
add_socket(struct arena *arena, struct host *host, uint16_t port, struct address local, uint32_t uid)
{
    struct socket_row *row = LIST_ADD(arena, &host->sockets);

    row->local = local;
    row->local_port = port;
    row->uid_known = true;
    row->uid = uid;
    row->inode = host->sockets.count;
    return host->sockets.count - 1;
}

static void
hold(struct arena *arena, struct host *host, size_t socket, uint32_t pid)
{
    *LIST_ADD(arena, &host->holdings) = (struct holding){.socket = socket, .pid = pid, .how = HOLDING_FD, .fd = 3};
}

// nginx with two workers on both families (system), node of ann, and a socket that nobody may see.
static void
make_host(struct arena *arena, struct host *host)
{
    const char *session = "/user.slice/user-1000.slice/session-1.scope";

    host->ipv6 = true;
    add_process(arena, host, 800, 1, "nginx", 0, "/system.slice/nginx.service");
    add_process(arena, host, 801, 800, "nginx", 33, "/system.slice/nginx.service");
    add_process(arena, host, 802, 800, "nginx", 33, "/system.slice/nginx.service");
    add_process(arena, host, 4000, 1, "node", ANN, session);
    size_t first = add_socket(arena, host, 80, address_any(FAMILY_IPV4), 0);
    size_t second = add_socket(arena, host, 80, address_any(FAMILY_IPV6), 0);
    for (uint32_t pid = 800; pid <= 802; pid++) {
        hold(arena, host, second, pid);
        hold(arena, host, first, pid);
    }
    hold(arena, host, add_socket(arena, host, 3000, address_loopback(FAMILY_IPV4), ANN), 4000);
    add_socket(arena, host, 5432, address_loopback(FAMILY_IPV4), 120);
}

static void
make_rows(struct arena *arena, const struct host *host, struct list_rows *rows)
{
    size_t *sockets = arena_array(arena, host->sockets.count + 1, sizeof *sockets);

    for (size_t i = 0; i < host->sockets.count; i++)
        sockets[i] = i;
    list_rows_make(arena, host, sockets, host->sockets.count, true, rows);
}

TEST(each_socket_has_its_holders_by_pid)
{
    struct host host = {0};
    struct list_rows rows = {0};

    make_host(arena, &host);
    make_rows(arena, &host, &rows);
    CHECK_INT(rows.count, 4);
    CHECK_INT(rows.items[0].holder_count, 3);
    CHECK_INT(rows.items[0].holders[0].pid, 800);
    CHECK_INT(rows.items[0].holders[2].pid, 802);
    CHECK_INT(rows.items[0].holders[0].how.count, 1);
    CHECK_STR(rows.items[0].holders[0].how.items[0], "fd 3");
    CHECK_INT(rows.items[2].holder_count, 1);
    CHECK_INT(rows.items[3].holder_count, 0);
    CHECK(list_rows_main(&rows.items[3]) == NULL);
    CHECK_INT(list_rows_main(&rows.items[1])->pid, 800);
}

TEST(two_descriptors_of_one_process_are_one_holder)
{
    struct host host = {0};
    struct list_rows rows = {0};

    make_host(arena, &host);
    hold(arena, &host, 2, 4000);
    make_rows(arena, &host, &rows);
    CHECK_INT(rows.items[2].holder_count, 1);
    CHECK_INT(rows.items[2].holders[0].how.count, 2);
}

TEST(names_are_found_in_any_case_and_with_versions)
{
    struct process process = {.pid = 7, .name = STR("python3.11"), .exe = {KNOWN_YES, STR("/usr/bin/python3.11")}};
    struct holder holder = {.pid = 7, .process = &process, .unit = STR("shop.service")};

    *LIST_ADD(arena, &process.command) = STR("python3");
    *LIST_ADD(arena, &process.command) = STR("-u");
    *LIST_ADD(arena, &process.command) = STR("/srv/shop/manage.py");
    CHECK(list_rows_named(arena, &holder, STR("python")));
    CHECK(list_rows_named(arena, &holder, STR("Python3")));
    CHECK(list_rows_named(arena, &holder, STR("manage")));
    CHECK(list_rows_named(arena, &holder, STR("manage.py")));
    CHECK(list_rows_named(arena, &holder, STR("shop")));
    CHECK(list_rows_named(arena, &holder, STR("shop.service")));
    CHECK(!list_rows_named(arena, &holder, STR("pyth")));
    CHECK(!list_rows_named(arena, &holder, STR("shopping")));
    CHECK(!list_rows_named(arena, &holder, STR("")));
}

TEST(containers_are_found_by_name_id_and_service)
{
    struct container container = {.id = STR("0123456789abcdef"),
                                  .name = STR("shop-db-1"),
                                  .image = STR("postgres:16"),
                                  .compose_project = STR("shop"),
                                  .compose_service = STR("db")};
    struct holder holder = {.pid = 7, .forwards = &container};

    CHECK(list_rows_named(arena, &holder, STR("shop-db-1")));
    CHECK(list_rows_named(arena, &holder, STR("db")));
    CHECK(list_rows_named(arena, &holder, STR("shop")));
    CHECK(list_rows_named(arena, &holder, STR("0123456789ab")));
    CHECK(list_rows_named(arena, &holder, STR("postgres:16")));
    CHECK(!list_rows_named(arena, &holder, STR("0123")));
}

TEST(filters_narrow_by_port_protocol_pid_and_user)
{
    struct host host = {0};
    struct list_rows rows = {0};
    struct list_filter filter = {0};

    make_host(arena, &host);
    make_rows(arena, &host, &rows);
    CHECK(list_rows_may_want(&filter, &host.sockets.items[0]));
    CHECK(list_rows_wants(arena, &filter, &host, &rows.items[3]));
    *LIST_ADD(arena, &filter.ports) = (struct endpoint){.first = 3000, .last = 3010, .any_protocol = true};
    CHECK(!list_rows_may_want(&filter, &host.sockets.items[0]));
    CHECK(list_rows_may_want(&filter, &host.sockets.items[2]));
    CHECK(list_rows_wants(arena, &filter, &host, &rows.items[2]));
    *LIST_ADD(arena, &filter.names) = STR("nginx");
    CHECK(list_rows_may_want(&filter, &host.sockets.items[0]));
    CHECK(list_rows_wants(arena, &filter, &host, &rows.items[0]));
    CHECK(!list_rows_wants(arena, &filter, &host, &rows.items[3]));
    filter.protocols = 1u << PROTOCOL_UDP;
    CHECK(!list_rows_may_want(&filter, &host.sockets.items[0]));

    struct list_filter people = {0};
    *LIST_ADD(arena, &people.uids) = 120;
    CHECK(list_rows_wants(arena, &people, &host, &rows.items[3]));
    CHECK(!list_rows_wants(arena, &people, &host, &rows.items[2]));
    *LIST_ADD(arena, &people.uids) = ANN;
    *LIST_ADD(arena, &people.pids) = 4000;
    CHECK(list_rows_wants(arena, &people, &host, &rows.items[2]));
    CHECK(!list_rows_wants(arena, &people, &host, &rows.items[3]));
}

TEST(an_asked_address_is_served_by_a_socket_on_every_address)
{
    struct list_filter filter = {0};
    struct socket_row row = {.local = address_any(FAMILY_IPV4), .local_port = 80};

    *LIST_ADD(arena, &filter.ports) = (struct endpoint){
        .first = 80, .last = 80, .any_protocol = true, .host = ENDPOINT_ADDRESS, .address = address_ipv4(10, 0, 0, 1)};
    CHECK(list_rows_may_want(&filter, &row));
    row.local = address_loopback(FAMILY_IPV4);
    CHECK(!list_rows_may_want(&filter, &row));
    filter.ports.items[0].host = ENDPOINT_LOCALHOST;
    CHECK(list_rows_may_want(&filter, &row));
    row.netns = 5;
    CHECK(!list_rows_may_want(&filter, &row));
}

TEST(rows_are_sorted_as_asked)
{
    struct host host = {0};
    struct list_rows rows = {0};

    make_host(arena, &host);
    make_rows(arena, &host, &rows);
    list_rows_sort(&host, &rows, LIST_SORT_NAME);
    CHECK_INT(rows.items[2].socket, 2);
    CHECK_INT(rows.items[3].socket, 3);
    list_rows_sort(&host, &rows, LIST_SORT_PID);
    CHECK_INT(rows.items[2].socket, 2);
    list_rows_sort(&host, &rows, LIST_SORT_USER);
    CHECK_INT(rows.items[0].socket, 2);
    host.processes.items[3].started_known = true;
    host.processes.items[3].started_ms = 5000;
    list_rows_sort(&host, &rows, LIST_SORT_SINCE);
    CHECK_INT(rows.items[0].socket, 2);
    list_rows_sort(&host, &rows, LIST_SORT_PORT);
    CHECK_INT(rows.items[0].socket, 0);
    CHECK_INT(rows.items[3].socket, 3);
}

TEST(workers_and_families_are_one_line_for_people)
{
    struct host host = {0};
    struct list_rows rows = {0};
    struct list_groups groups = {0};
    struct report_privacy privacy = {0};
    struct list_view view = {arena, &host, &privacy, true, false};
    struct buf out = {.arena = arena};

    make_host(arena, &host);
    make_rows(arena, &host, &rows);
    list_groups_make(&view, ANN, &rows, &groups);
    CHECK_INT(groups.count, 3);
    CHECK_INT(groups.items[0].side, LIST_OWN);
    CHECK_INT(groups.items[0].pid, 4000);
    CHECK_INT(groups.items[1].side, LIST_SYSTEM);
    CHECK_INT(groups.items[1].socket_count, 2);
    CHECK_INT(groups.items[1].pid_count, 3);

    struct list_groups_look look = {.width = 100, .header = true};
    list_groups_print(&view, &groups, &look, &out);
    struct str text = buf_str(&out);
    CHECK(str_find(text, STR("node")) != SIZE_MAX);
    CHECK(str_find(text, STR("800 +2")) == SIZE_MAX);
    CHECK(str_find(text, STR("\n+ 2 of the system (--system): nginx 80, ")) != SIZE_MAX);

    out.len = 0;
    look.system = true;
    list_groups_print(&view, &groups, &look, &out);
    text = buf_str(&out);
    CHECK(str_find(text, STR("800 +2")) != SIZE_MAX);
    CHECK(str_find(text, STR("all ")) != SIZE_MAX);
    CHECK(str_find(text, STR("--system")) == SIZE_MAX);
}

TEST(where_only_the_system_listens_its_programs_are_shown)
{
    struct host host = {0};
    struct list_rows rows = {0};
    struct list_groups groups = {0};
    struct report_privacy privacy = {0};
    struct list_view view = {arena, &host, &privacy, true, false};
    struct list_groups_look look = {.width = 100};
    struct buf out = {.arena = arena};

    make_host(arena, &host);
    make_rows(arena, &host, &rows);
    rows.count = 1;
    list_groups_make(&view, ANN, &rows, &groups);
    list_groups_print(&view, &groups, &look, &out);
    CHECK(str_find(buf_str(&out), STR("nginx")) != SIZE_MAX);
}

TEST(root_owns_what_runs_outside_of_system_units)
{
    struct host host = {0};
    struct list_rows rows = {0};
    struct report_privacy privacy = {0};
    struct list_view view = {arena, &host, &privacy, true, false};

    make_host(arena, &host);
    make_rows(arena, &host, &rows);
    CHECK_INT(list_groups_side(&view, 0, &rows.items[0]), LIST_SYSTEM);
    host.processes.items[0].cgroup.value = STR("/user.slice/user-0.slice/session-2.scope");
    CHECK_INT(list_groups_side(&view, 0, &rows.items[0]), LIST_OWN);
    CHECK_INT(list_groups_side(&view, 0, &rows.items[2]), LIST_OTHER);
    host.processes.items[0].cgroup.value = STR("/user.slice/user-1000.slice/session-2.scope");
    CHECK_INT(list_groups_side(&view, ANN, &rows.items[0]), LIST_OWN);
    CHECK_INT(list_groups_side(&view, ANN, &rows.items[3]), LIST_SYSTEM);
}

TEST(a_row_for_each_socket_and_program_is_made_for_tools)
{
    struct host host = {0};
    struct list_rows rows = {0};
    struct list_columns columns = {0};
    struct report_privacy privacy = {0};
    struct list_view view = {arena, &host, &privacy, false, false};
    struct table table;
    struct buf out = {.arena = arena};
    struct err err = {0};

    make_host(arena, &host);
    make_rows(arena, &host, &rows);
    CHECK(list_cells_parse(arena, STR("port, pid,name"), &columns, &err));
    list_cells_table(&view, &columns, &rows, &table);
    table_csv(&table, &out, true);
    CHECK_STR(buf_str(&out), "PORT,PID,PROGRAM\n80,800,nginx\n80,801,nginx\n80,802,nginx\n80,800,nginx\n80,801,nginx\n"
                             "80,802,nginx\n3000,4000,node\n5432,,\n");
    columns.count = 1;
    out.len = 0;
    list_cells_table(&view, &columns, &rows, &table);
    table_csv(&table, &out, false);
    CHECK_STR(buf_str(&out), "80\n80\n3000\n5432\n");
}

TEST(an_unknown_column_is_refused_with_all_names)
{
    struct list_columns columns = {0};
    struct err err = {0};

    CHECK(!list_cells_parse(arena, STR("port,colour"), &columns, &err));
    CHECK_INT(err.kind, ERR_USAGE);
    CHECK(str_find(str_of(err.text), STR("inode")) != SIZE_MAX);
}

TEST(cells_tell_what_is_known)
{
    struct host host = {.time_ms = 7200000};
    struct list_rows rows = {0};
    struct report_privacy privacy = {0};
    struct list_view view = {arena, &host, &privacy, true, false};

    make_host(arena, &host);
    host.processes.items[3].started_known = true;
    make_rows(arena, &host, &rows);
    const struct socket_row *row = &host.sockets.items[2];
    const struct holder *node = &rows.items[2].holders[0];
    CHECK_STR(list_cells_make(&view, LIST_SINCE, row, node), "2 h ago");
    view.ago = false;
    CHECK_STR(list_cells_make(&view, LIST_SINCE, row, node), "1970-01-01T00:00:00Z");
    CHECK_STR(list_cells_make(&view, LIST_USER, row, node), "ann");
    CHECK_STR(list_cells_make(&view, LIST_STATE, row, node), "LISTEN");
    CHECK_STR(list_cells_make(&view, LIST_ADDRESS, row, node), "127.0.0.1");
    CHECK_STR(list_cells_make(&view, LIST_REMOTE, row, node), "");
    view.dashes = true;
    CHECK_STR(list_cells_make(&view, LIST_REMOTE, row, node), "-");
    CHECK_STR(list_cells_make(&view, LIST_INODE, row, node), "3");
    CHECK_STR(list_cells_make(&view, LIST_COMMAND, row, node), "-");
    CHECK_STR(list_cells_make(&view, LIST_PID, row, NULL), "-");
    privacy.share = true;
    CHECK_STR(list_cells_make(&view, LIST_USER, row, node), "-");
    *LIST_ADD(arena, &host.kernel_ports) =
        (struct kernel_port){.protocol = PROTOCOL_TCP, .port = 3000, .kind = STR("nfsd")};
    CHECK_STR(list_cells_make(&view, LIST_PROGRAM, row, NULL), "kernel (nfsd)");
}

TEST(thousands_of_sockets_are_rows_at_once)
{
    enum {
        MANY = 20000,
    };
    struct host host = {0};
    struct list_rows rows = {0};
    struct list_groups groups = {0};
    struct report_privacy privacy = {0};
    struct list_view view = {arena, &host, &privacy, true, false};

    add_process(arena, &host, 500, 1, "server", ANN, "");
    for (size_t i = 0; i < MANY; i++)
        hold(arena, &host, add_socket(arena, &host, (uint16_t)(i % 1000 + 1), address_any(FAMILY_IPV4), ANN), 500);
    make_rows(arena, &host, &rows);
    list_rows_sort(&host, &rows, LIST_SORT_PORT);
    list_groups_make(&view, ANN, &rows, &groups);
    CHECK_INT(rows.count, MANY);
    CHECK_INT(groups.count, 1000);
}

TEST(what_the_system_serves_names_whom_it_serves_for)
{
    struct host host = {.http_known = KNOWN_YES};
    struct list_rows rows = {0};
    struct report_privacy privacy = {0};
    struct list_view view = {arena, &host, &privacy, true, false};

    add_process(arena, &host, HOST_SYSTEM_PID, 0, "System", 18, "");
    add_process(arena, &host, 900, 1, "svchost.exe", 18, "");
    for (uint16_t port = 80; port <= 82; port++)
        hold(arena, &host, add_socket(arena, &host, port, address_any(FAMILY_IPV4), 18), port == 82 ? 900 : 4);
    host.sockets.items[0].owner_pid = HOST_SYSTEM_PID;
    host.sockets.items[1].owner_pid = HOST_SYSTEM_PID;
    host.sockets.items[1].local_port = 445;
    host.sockets.items[2].owner_pid = 900;
    host.sockets.items[2].owner_service = STR("Dnscache");
    *LIST_ADD(arena, &host.http_urls) =
        (struct http_url){.url = STR("http://+:80/wsman/"), .port = 80, .registered = true};
    make_rows(arena, &host, &rows);
    CHECK_STR(list_cells_make(&view, LIST_SERVICE, &host.sockets.items[0], &rows.items[0].holders[0]),
              "Windows Remote Management (WinRM)");
    CHECK_STR(list_cells_make(&view, LIST_SERVICE, &host.sockets.items[1], &rows.items[1].holders[0]),
              "file sharing (SMB)");
    CHECK_STR(list_cells_make(&view, LIST_SERVICE, &host.sockets.items[2], &rows.items[2].holders[0]), "Dnscache");
}

TAP_MAIN
