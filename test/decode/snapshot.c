#include "decode/snapshot.h"

#include "base/buf.h"
#include "base/json.h"
#include "decode/snapshot_shape.h"
#include "tap.h"

// Numbers that differ from one another, the same in each run.
static uint64_t
next_number(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 24;
}

// Clean text, broken UTF-8, a NUL, quotes and control characters in turn.
static struct str
next_text(struct arena *arena, uint64_t *seed)
{
    static const struct str shapes[] = {STR_INIT("plain"), STR_INIT("\xff\xfe broken"), STR_INIT("a\0b"),
                                        STR_INIT("\"\\\n\x1b[0m"), STR_INIT("z\xc3\xa4hl")};
    return str_printf(arena, "%u", (unsigned)next_number(seed)).len % 2
               ? shapes[next_number(seed) % 5]
               : str_printf(arena, "t%u", (unsigned)next_number(seed));
}

static struct address
next_address(uint64_t *seed)
{
    struct address address = {.family = next_number(seed) % 2 ? FAMILY_IPV4 : FAMILY_IPV6};
    for (size_t i = 0; i < (address.family == FAMILY_IPV4 ? 4 : 16); i++)
        address.bytes[i] = (uint8_t)next_number(seed);
    if (address.family == FAMILY_IPV6 && next_number(seed) % 2) {
        address.bytes[0] = 0xfe;
        address.bytes[1] = 0x80;
        address.scope = (uint32_t)(next_number(seed) % 9) + 1;
    }
    return address;
}

#define PUT(type, value) memcpy(where, &(type){(type)(value)}, sizeof(type))

static void
fill_shape(struct arena *arena, const struct shape *shape, char *data, uint64_t *seed);

static void
fill_list(struct arena *arena, const struct field *field, char *where, uint64_t *seed)
{
    struct any_list list = {0};
    for (uint64_t n = next_number(seed) % 3 + 1; n > 0; n--) {
        list.items = list_room(arena, list.items, list.count, &list.capacity, field->shape->size);
        fill_shape(arena, field->shape, (char *)list.items + list.count * field->shape->size, seed);
        list.count++;
    }
    snapshot_list_set(where, list);
}

static void
fill_lists(struct arena *arena, const struct field *field, char *data, uint64_t *seed)
{
    char *where = data + field->offset;
    struct str_list texts = {0};
    struct {
        LIST_OF(uint32_t);
    } numbers = {0};

    *LIST_ADD(arena, &texts) = next_text(arena, seed);
    *LIST_ADD(arena, &texts) = next_text(arena, seed);
    *LIST_ADD(arena, &numbers) = (uint32_t)next_number(seed);
    *LIST_ADD(arena, &numbers) = UINT32_MAX;
    if (field->kind == FIELD_U32S) {
        memcpy(where, &numbers, sizeof numbers);
        return;
    }
    if (field->kind == FIELD_ARGV) {
        enum known known = (enum known)(next_number(seed) % (KNOWN_TIMEOUT + 1));
        memcpy(data + field->second, &known, sizeof known);
        if (known != KNOWN_YES)
            return;
    }
    memcpy(where, &texts, sizeof texts);
}

static void
fill_field(struct arena *arena, const struct field *field, char *data, uint64_t *seed)
{
    char *where = data + field->offset;
    struct fact fact = {(enum known)(next_number(seed) % (KNOWN_TIMEOUT + 1)), STR("")};
    struct address address;
    struct str text;

    switch (field->kind) {
    case FIELD_TEXT:
    case FIELD_BYTES:
        text = next_text(arena, seed);
        memcpy(where, &text, sizeof text);
        return;
    case FIELD_FACT:
        fact.value = fact.known == KNOWN_YES ? next_text(arena, seed) : STR("");
        memcpy(where, &fact, sizeof fact);
        return;
    case FIELD_TEXTS:
    case FIELD_ARGV:
    case FIELD_U32S:
        fill_lists(arena, field, data, seed);
        return;
    case FIELD_LIST:
        fill_list(arena, field, where, seed);
        return;
    case FIELD_BOOL:
        PUT(bool, next_number(seed) % 2);
        return;
    case FIELD_TRI:
        PUT(enum tri, next_number(seed) % 3);
        return;
    case FIELD_LETTER:
        PUT(char, 'A' + next_number(seed) % 26);
        return;
    case FIELD_U8:
        PUT(uint8_t, next_number(seed));
        return;
    case FIELD_U16:
        PUT(uint16_t, next_number(seed));
        return;
    case FIELD_MAYBE_U32:
        memcpy(data + field->second, &(bool){true}, sizeof(bool));
        PUT(uint32_t, next_number(seed));
        return;
    case FIELD_U32:
        PUT(uint32_t, next_number(seed));
        return;
    case FIELD_U64:
        PUT(uint64_t, next_number(seed) % 2 ? UINT64_MAX - next_number(seed) : next_number(seed));
        return;
    case FIELD_ULONG:
        PUT(unsigned long, next_number(seed));
        return;
    case FIELD_SIZE:
        PUT(size_t, 0);
        return;
    case FIELD_MAYBE_I64:
        memcpy(data + field->second, &(bool){true}, sizeof(bool));
        PUT(int64_t, next_number(seed) % 2 ? INT64_MAX - 1 : -(int64_t)next_number(seed));
        return;
    case FIELD_I64:
        PUT(int64_t, next_number(seed) % 2 ? -INT64_MAX : (int64_t)next_number(seed));
        return;
    case FIELD_WORD:
        for (unsigned word = (unsigned)next_number(seed) % field->words->count;;
             word = (word + 1) % field->words->count)
            if (field->words->name(word).len > 0) {
                PUT(unsigned, word);
                return;
            }
    case FIELD_ADDRESS:
        address = next_address(seed);
        memcpy(where, &address, sizeof address);
        return;
    case FIELD_ENDPOINT:
        address = next_address(seed);
        memcpy(where, &address, sizeof address);
        memcpy(data + field->second, &(uint16_t){(uint16_t)next_number(seed)}, sizeof(uint16_t));
        return;
    }
}

static void
fill_shape(struct arena *arena, const struct shape *shape, char *data, uint64_t *seed)
{
    for (size_t i = 0; i < shape->count; i++)
        fill_field(arena, &shape->fields[i], data, seed);
}

static bool
same_shape(const struct shape *shape, const char *a, const char *b);

static bool
same_texts(const char *a, const char *b)
{
    struct str_list left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    bool same = left.count == right.count;
    for (size_t i = 0; same && i < left.count; i++)
        same = str_equal(left.items[i], right.items[i]);
    return same;
}

static bool
same_list(const struct field *field, const char *a, const char *b)
{
    struct any_list left = snapshot_list_get(a);
    struct any_list right = snapshot_list_get(b);
    size_t size = field->kind == FIELD_U32S ? sizeof(uint32_t) : field->shape->size;
    bool same = left.count == right.count;

    for (size_t i = 0; same && i < left.count; i++) {
        const char *x = (const char *)left.items + i * size;
        const char *y = (const char *)right.items + i * size;
        same = field->kind == FIELD_U32S ? memcmp(x, y, size) == 0 : same_shape(field->shape, x, y);
    }
    return same;
}

static bool
same_bytes(const struct field *field, const char *a, const char *b)
{
    static const size_t sizes[] = {[FIELD_BOOL] = sizeof(bool),
                                   [FIELD_TRI] = sizeof(enum tri),
                                   [FIELD_LETTER] = 1,
                                   [FIELD_U8] = 1,
                                   [FIELD_U16] = 2,
                                   [FIELD_U32] = 4,
                                   [FIELD_U64] = 8,
                                   [FIELD_ULONG] = sizeof(unsigned long),
                                   [FIELD_SIZE] = sizeof(size_t),
                                   [FIELD_I64] = 8,
                                   [FIELD_MAYBE_U32] = 4,
                                   [FIELD_MAYBE_I64] = 8,
                                   [FIELD_WORD] = sizeof(unsigned),
                                   [FIELD_ADDRESS] = sizeof(struct address),
                                   [FIELD_ENDPOINT] = sizeof(struct address)};
    bool same = memcmp(a + field->offset, b + field->offset, sizes[field->kind]) == 0;

    if (field->kind == FIELD_ENDPOINT)
        same = same && memcmp(a + field->second, b + field->second, sizeof(uint16_t)) == 0;
    if (field->kind == FIELD_MAYBE_U32 || field->kind == FIELD_MAYBE_I64)
        same = same && memcmp(a + field->second, b + field->second, sizeof(bool)) == 0;
    return same;
}

static bool
same_field(const struct field *field, const char *a, const char *b)
{
    const char *x = a + field->offset;
    const char *y = b + field->offset;
    struct fact left, right;

    switch (field->kind) {
    case FIELD_TEXT:
    case FIELD_BYTES:
        memcpy(&left.value, x, sizeof left.value);
        memcpy(&right.value, y, sizeof right.value);
        return str_equal(left.value, right.value);
    case FIELD_FACT:
        memcpy(&left, x, sizeof left);
        memcpy(&right, y, sizeof right);
        return left.known == right.known && str_equal(left.value, right.value);
    case FIELD_ARGV:
        return snapshot_known_get(a + field->second) == snapshot_known_get(b + field->second) && same_texts(x, y);
    case FIELD_TEXTS:
        return same_texts(x, y);
    case FIELD_U32S:
    case FIELD_LIST:
        return same_list(field, x, y);
    default:
        return same_bytes(field, a, b);
    }
}

static bool
same_shape(const struct shape *shape, const char *a, const char *b)
{
    for (size_t i = 0; i < shape->count; i++)
        if (!same_field(&shape->fields[i], a, b)) {
            printf("# %s differs\n", shape->fields[i].key);
            return false;
        }
    return true;
}

static bool
same_host(const struct host *a, const struct host *b)
{
    return same_shape(&snapshot_host_shape, (const char *)a, (const char *)b);
}

static bool
parses(struct arena *arena, const char *json, struct host *host, struct script *script, struct err *err)
{
    *err = (struct err){0};
    return snapshot_parse(arena, str_of(json), host, script, err);
}

TEST(any_host_that_was_written_is_read_the_same)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct host host = {0};
        struct host read;
        struct err err = {0};
        uint64_t state = seed;
        fill_shape(arena, &snapshot_host_shape, (char *)&host, &state);
        struct str text = snapshot_write(arena, &host, false);
        if (!snapshot_parse(arena, text, &read, NULL, &err))
            printf("# seed %u: %s\n", (unsigned)seed, err.text);
        CHECK(err.kind == ERR_NONE);
        CHECK(same_host(&host, &read));
        CHECK(str_equal(snapshot_write(arena, &read, false), text));
    }
}

TEST(empty_host_has_all_its_arrays)
{
    struct host host = {0};
    struct err err = {0};
    struct str text = snapshot_write(arena, &host, false);
    const cJSON *json = json_parse(arena, text, &err);
    CHECK(json != NULL);
    for (size_t i = 0; i < snapshot_host_shape.count; i++) {
        const struct field *field = &snapshot_host_shape.fields[i];
        CHECK((json_get_array(json, field->key) != NULL) == (field->kind == FIELD_LIST || field->kind == FIELD_U32S));
    }
    CHECK(snapshot_parse(arena, text, &host, NULL, &err));
}

TEST(time_that_is_unknown_is_left_out)
{
    struct host host = {0};
    struct socket_row *row = LIST_ADD(arena, &host.sockets);
    row->local = address_loopback(FAMILY_IPV4);
    CHECK(str_find(snapshot_write(arena, &host, false), STR("created_ms")) == SIZE_MAX);
    row->created_ms = -1;
    CHECK(str_find(snapshot_write(arena, &host, false), STR("\"created_ms\": -1")) != SIZE_MAX);
}

TEST(refused_fact_is_null_with_its_reason)
{
    struct host host = {0};
    struct err err;
    CHECK(parses(arena,
                 "{\"schema\": \"moorage.snapshot/1\", \"processes\": [{\"pid\": 1, \"cwd\": null, \"exe\": null,"
                 "\"command\": null, \"user\": null, \"name\": null, \"uid\": null, \"started_ms\": null,"
                 "\"unknown\": {\"cwd\": \"not-allowed\", \"command\": \"timeout\", \"user\": 7}}]}",
                 &host, NULL, &err));
    const struct process *process = &host.processes.items[0];
    CHECK_INT(process->cwd.known, KNOWN_NOT_ALLOWED);
    CHECK_INT(process->exe.known, KNOWN_UNSUPPORTED);
    CHECK_INT(process->user.known, KNOWN_UNSUPPORTED);
    CHECK_INT(process->command_known, KNOWN_TIMEOUT);
    CHECK_INT(process->git_root.known, KNOWN_NOT_ASKED);
    CHECK(!process->uid_known && !process->started_known);
    struct str text = snapshot_write(arena, &host, false);
    CHECK(str_find(text, STR("\"cwd\": null")) != SIZE_MAX);
    CHECK(str_find(text, STR("\"git_root\"")) == SIZE_MAX);
}

TEST(what_is_no_snapshot_is_refused_with_a_sentence)
{
    static const char *const wrong[][2] = {
        {"", "no good JSON"},
        {"[]", "this is no moorage.snapshot/1"},
        {"{\"schema\": \"moorage.snapshot/2\"}", "this is no moorage.snapshot/1"},
        {"{\"schema\": 1}", "this is no moorage.snapshot/1"},
        {"\"x\"", "this is no moorage.snapshot/1"},
    };
    struct host host;
    struct err err;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK(!parses(arena, wrong[i][0], &host, NULL, &err));
        CHECK_INT(err.kind, ERR_FORMAT);
        CHECK(str_starts(str_of(err.text), str_of(wrong[i][1])));
    }
}

TEST(member_of_a_wrong_type_is_named)
{
    static const char *const wrong[][2] = {
        {"\"uid\": -1", "uid is no number of its range"},
        {"\"uid\": 4294967296", "uid is no number of its range"},
        {"\"time_ms\": 1.5", "time_ms is no number of its range"},
        {"\"admin\": 1", "admin is no truth value"},
        {"\"platform\": 1", "platform is no text"},
        {"\"tier\": \"none\"", "tier is no known word"},
        {"\"tier\": \"\"", "tier is no known word"},
        {"\"tier\": 3", "tier is no text"},
        {"\"sockets\": {}", "sockets is no array"},
        {"\"sockets\": [1]", "sockets is no array of objects"},
        {"\"sockets\": [{}]", "sockets[0] has no local address"},
        {"\"sockets\": [{\"local\": \"1.2.3.4:99999\"}]", "sockets[0]: local is no address and port"},
        {"\"sockets\": [{\"local\": \"1.2.3.4\"}]", "sockets[0]: local is no address and port"},
        {"\"sockets\": [{\"local\": \"[1.2.3.4]:1\"}]", "sockets[0]: local is no address and port"},
        {"\"sockets\": [{\"local\": \"::1:1\"}]", "sockets[0]: local is no address and port"},
        {"\"sockets\": [{\"local\": \"[:1\"}]", "sockets[0]: local is no address and port"},
        {"\"sockets\": [{\"local\": 5}]", "sockets[0]: local is no text"},
        {"\"sockets\": [{\"local\": \"1.2.3.4:9\", \"v6only\": \"yes\"}]", "sockets[0]: v6only is no truth value"},
        {"\"addresses\": [{\"address\": \"x\"}]", "addresses[0]: address is no address"},
        {"\"addresses\": [{\"prefix\": 256}]", "addresses[0]: prefix is no number of its range"},
        {"\"ranges\": [{\"kind\": \"dynamic\", \"first\": 65536}]", "ranges[0]: first is no number of its range"},
        {"\"processes\": [{\"state\": \"SS\"}]", "processes[0]: state is no letter"},
        {"\"processes\": [{\"cwd\": 1}]", "processes[0]: cwd is no text"},
        {"\"processes\": [{\"command\": \"x\"}]", "processes[0]: command is no array"},
        {"\"processes\": [{\"command\": [1]}]", "processes[0]: command is no array of texts"},
        {"\"processes\": [{\"command\": [\"a\"], \"command_raw\": []}]",
         "processes[0]: command_raw has not the length of command"},
        {"\"processes\": [{\"command\": [\"a\"], \"command_raw\": [\"!\"]}]", "processes[0]: command_raw is no base64"},
        {"\"groups\": [{\"pids\": 1}]", "groups[0]: pids is no array"},
        {"\"groups\": [{\"pids\": [-1]}]", "groups[0]: pids is no array of numbers"},
        {"\"groups\": [{\"pids\": [1.5]}]", "groups[0]: pids is no array of numbers"},
        {"\"groups\": [{\"pids\": [\"1\"]}]", "groups[0]: pids is no array of numbers"},
        {"\"raw\": [{\"bytes\": \"!\"}]", "raw[0]: bytes is no base64"},
        {"\"holdings\": [{\"socket\": 0}]", "holdings[0]: there is no socket 0"},
        {"\"script\": [{\"after_ms\": \"x\"}]", "script[0]: after_ms is no number of its range"},
        {"\"script\": [{\"add\": {\"holdings\": [{\"socket\": 3}]}}]", "script[0]: holdings[0]: there is no socket 3"},
    };
    struct host host;
    struct script script;
    struct err err;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct str json = str_printf(arena, "{\"schema\": \"moorage.snapshot/1\", %s}", wrong[i][0]);
        CHECK(!parses(arena, json.ptr, &host, &script, &err));
        CHECK_INT(err.kind, ERR_FORMAT);
        CHECK_STR(str_of(err.text), wrong[i][1]);
    }
}

TEST(member_that_is_not_known_is_passed_over)
{
    struct host host;
    struct script script;
    struct err err;
    CHECK(parses(arena,
                 "{\"schema\": \"moorage.snapshot/1\", \"later\": [1], \"uid\": \"7\", \"name\": \"not the host\","
                 "\"script\": 5}",
                 &host, &script, &err));
    CHECK_INT(host.uid, 7);
    CHECK_INT(host.name.len, 0);
    CHECK_INT(script.count, 0);
}

TEST(script_says_what_changes_when)
{
    struct host host;
    struct script script;
    struct err err;
    CHECK(
        parses(arena,
               "{\"schema\": \"moorage.snapshot/1\", \"script\": [{\"after_ms\": 5, \"remove\": [\"tcp 0.0.0.0:80\"]},"
               "{\"after_act\": \"probe\", \"add\": {\"sockets\": [{\"protocol\": \"udp\", \"state\": \"UNCONN\","
               "\"local\": \"[::]:9\"}], \"holdings\": [{\"socket\": 0, \"pid\": 3, \"how\": \"thread\"}]}}]}",
               &host, &script, &err));
    CHECK_INT(script.count, 2);
    CHECK_INT(script.items[0].after_ms, 5);
    CHECK_STR(script.items[0].remove.items[0], "tcp 0.0.0.0:80");
    CHECK_STR(script.items[1].after_act, "probe");
    CHECK_INT(script.items[1].add.sockets.items[0].local.family, FAMILY_IPV6);
    CHECK_INT(script.items[1].add.holdings.items[0].how, HOLDING_THREAD_FD);
}

static struct process *
add_process(struct arena *arena, struct host *host, uint32_t uid, const char *user)
{
    struct process *process = LIST_ADD(arena, &host->processes);
    process->pid = uid + 1;
    process->known = KNOWN_YES;
    process->uid = uid;
    process->uid_known = true;
    process->user = (struct fact){KNOWN_YES, str_of(user)};
    process->command_known = KNOWN_YES;
    return process;
}

TEST(redacted_document_names_nobody)
{
    struct host host = {0};
    struct host read;
    struct err err;
    struct process *process = add_process(arena, &host, 1000, "ann");
    *LIST_ADD(arena, &process->command) = STR("/home/ann/bin/serve");
    *LIST_ADD(arena, &process->command) = STR("--password=hunter2");
    process->cwd = (struct fact){KNOWN_YES, STR("/home/ann/src")};
    process->exe = (struct fact){KNOWN_YES, STR("/data/ann/serve")};
    process->git_root = (struct fact){KNOWN_NOT_ALLOWED, STR("")};
    process = add_process(arena, &host, 0, "root");
    *LIST_ADD(arena, &process->command) = STR("postgres: ann shop 10.0.0.7");
    process->cwd = (struct fact){KNOWN_YES, STR("/home/ben")};
    process->exe = (struct fact){KNOWN_YES, STR("/usr/bin/ann")};
    process = add_process(arena, &host, 1001, "1001");
    process->cwd = (struct fact){KNOWN_YES, STR("C:\\Users\\Ann Lee\\x;D:\\Users\\")};
    process = add_process(arena, &host, 120, "postgres");
    process->exe = (struct fact){KNOWN_YES, STR("/usr/lib/postgres/bin/postgres")};
    add_process(arena, &host, 1000, "ann")->uid_known = false;
    LIST_ADD(arena, &host.services)->description = STR("Session 3 of User ann");
    *LIST_ADD(arena, &host.raw) = (struct raw_bytes){STR("sock_diag tcp ipv4"), STR("x")};
    *LIST_ADD(arena, &host.raw) = (struct raw_bytes){STR("/proc/1/cmdline"), STR("ann")};
    *LIST_ADD(arena, &host.raw) = (struct raw_bytes){STR("tcp4 module all"), STR("y")};
    *LIST_ADD(arena, &host.raw) = (struct raw_bytes){STR("processes at 0x10000"), STR("ann")};

    struct str text = snapshot_write(arena, &host, true);
    CHECK(str_find(text, STR("hunter2")) == SIZE_MAX);
    CHECK(str_find(text, STR("ben")) == SIZE_MAX);
    CHECK(snapshot_parse(arena, text, &read, NULL, &err));
    const struct process *shown = read.processes.items;
    CHECK_STR(shown[0].user.value, "user1000");
    CHECK_STR(shown[0].command.items[0], "/home/"
                                         "user1000/bin/serve");
    CHECK_STR(shown[0].command.items[1], "***");
    CHECK_STR(shown[0].cwd.value, "/home/"
                                  "user1000/src");
    CHECK_STR(shown[0].exe.value, "/data/user1000/serve");
    CHECK_INT(shown[0].git_root.known, KNOWN_NOT_ALLOWED);
    CHECK_STR(shown[1].user.value, "root");
    CHECK_INT(shown[1].command.count, 2);
    CHECK_STR(shown[1].command.items[0], "postgres:");
    CHECK_STR(shown[1].cwd.value, "/home/user");
    CHECK_STR(shown[1].exe.value, "/usr/bin/ann");
    CHECK_STR(shown[2].user.value, "1001");
    CHECK_STR(shown[2].cwd.value, "C:\\Users\\user\\x;D:\\Users\\");
    CHECK_STR(shown[3].user.value, "user120");
    CHECK_STR(shown[3].exe.value, "/usr/lib/postgres/bin/postgres");
    CHECK_STR(read.services.items[0].description, "Session 3 of User user1000");
    CHECK_STR(read.raw.items[0].bytes, "x");
    CHECK_INT(read.raw.items[1].bytes.len, 0);
    CHECK_STR(read.raw.items[2].bytes, "y");
    CHECK_INT(read.raw.items[3].bytes.len, 0);
    // The host itself stays as it was.
    CHECK_STR(host.processes.items[0].user.value, "ann");
    CHECK_STR(host.processes.items[0].cwd.value, "/home/ann/src");
    CHECK_INT(host.processes.items[0].command.count, 2);
}

TEST(what_other_systems_told_names_nobody_either)
{
    struct host host = {0};
    struct host read;
    struct err err;
    add_process(arena, &host, 1000, "ann");
    *LIST_ADD(arena, &host.neighbour_ports) =
        (struct neighbour_port){.system = STR("WSL Debian"), .port = 80, .command = STR("/home/ann/serve --token=x")};
    *LIST_ADD(arena, &host.neighbour_ports) = (struct neighbour_port){.port = 81, .command = STR("nginx")};
    *LIST_ADD(arena, &host.http_urls) =
        (struct http_url){.url = STR("http://+:80/"), .owner = STR("LOCAL SERVICE, ann")};
    *LIST_ADD(arena, &host.raw) =
        (struct raw_bytes){STR("spawn C:\\Windows\\system32\\netsh.exe interface ipv4 show dynamicport tcp"), STR("x")};
    *LIST_ADD(arena, &host.raw) =
        (struct raw_bytes){STR("spawn C:\\Windows\\system32\\netsh.exe http show servicestate"), STR("x")};
    CHECK(snapshot_parse(arena, snapshot_write(arena, &host, true), &read, NULL, &err));
    CHECK_STR(read.neighbour_ports.items[0].command, "/home/"
                                                     "user1000/serve ***");
    CHECK_STR(read.neighbour_ports.items[1].command, "nginx");
    CHECK_STR(read.http_urls.items[0].owner, "LOCAL SERVICE, user1000");
    CHECK_STR(read.raw.items[0].bytes, "x");
    CHECK_INT(read.raw.items[1].bytes.len, 0);
}

TEST(answer_of_a_container_runtime_keeps_only_what_is_read_from_it)
{
    struct host host = {0};
    struct host read;
    struct err err;
    struct str body =
        STR("[{\"Id\": \"abc\", \"Names\": [\"/shop\"], \"Command\": \"run --token=hunter2\", \"Labels\":"
            "{\"com.docker.compose.project\": \"p\", \"secret\": \"hunter2\"}, \"Ports\": [{\"PublicPort\":"
            "80}], \"Mounts\": [\"/home/ann\"]}]");
    *LIST_ADD(arena, &host.api_answers) = (struct api_answer){
        .request = STR("/containers/json"),
        .known = KNOWN_YES,
        .body = str_printf(arena, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%.*s", body.len, STR_ARG(body))};
    *LIST_ADD(arena, &host.api_answers) = (struct api_answer){.known = KNOWN_YES, .body = STR("hunter2")};
    *LIST_ADD(arena, &host.api_answers) =
        (struct api_answer){.known = KNOWN_YES, .body = STR("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nhunter2")};
    struct str text = snapshot_write(arena, &host, true);
    CHECK(str_find(text, STR("hunter2")) == SIZE_MAX);
    CHECK(str_find(text, STR("ann")) == SIZE_MAX);
    CHECK(snapshot_parse(arena, text, &read, NULL, &err));
    CHECK(str_ends(read.api_answers.items[0].body,
                   STR("{\"Id\":\"abc\",\"Names\":[\"/shop\"],\"Labels\":{\"com.docker.compose.project\":\"p\"},"
                       "\"Ports\":[{\"PublicPort\":80}]}]\n")));
    CHECK_INT(read.api_answers.items[1].body.len, 0);
    CHECK_INT(read.api_answers.items[2].body.len, 0);
}

TAP_MAIN
