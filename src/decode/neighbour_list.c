#include "decode/neighbour_list.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/map64.h"
#include "decode/proc.h"
#include "decode/proc_net.h"

#define MARK "moorage-neighbour 1"

// Its answer: "T tcp6" and the table, whose lines begin with a blank or a digit; "P 12" for a process that has sockets, one
// line behind "N" with its name, one behind "C" with its command line (tr makes each one line), and its sockets in "S".
// It has neither double quotes nor backslashes, which would have to survive three readings of one command line.
static const char script[] =
    "if command -v moorage >/dev/null 2>&1; then moorage list --json; [ $? -le 1 ] && exit 0; fi\n"
    "echo '" MARK "'\n"
    "for t in tcp tcp6 udp udp6; do echo T $t; cat /proc/net/$t 2>/dev/null; done\n"
    "ls -l /proc/[0-9]*/fd 2>/dev/null | {\n"
    "set -f; p=; q=\n"
    "while read -r l; do case $l in\n"
    "/proc/*/fd:) p=${l#/proc/}; p=${p%/fd:} ;;\n"
    "*'-> socket:['*)\n"
    "if [ x$p != x$q ]; then q=$p; echo P $p\n"
    "echo N; tr '\n' ' ' 2>/dev/null </proc/$p/comm; echo\n"
    "echo C; tr '\n' ' ' 2>/dev/null </proc/$p/cmdline; echo; fi\n"
    "l=${l##*-}; echo S ${l#* } ;; esac; done; }\n";

struct str
neighbour_list_script(void)
{
    return str_of(script);
}

static bool
same_port(const struct neighbour_port *a, const struct neighbour_port *b)
{
    return a->protocol == b->protocol && a->port == b->port && address_equal(a->address, b->address);
}

static void
add_port(struct arena *arena, struct host *host, const struct neighbour_port *port)
{
    for (size_t i = 0; i < host->neighbour_ports.count; i++) {
        struct neighbour_port *known = &host->neighbour_ports.items[i];
        if (!same_port(known, port) ||
            (known->pid != 0 && port->pid != 0 && (known->pid != port->pid || !str_equal(known->system, port->system))))
            continue;
        if (known->pid == 0)
            *known = *port;
        return;
    }
    *LIST_ADD(arena, &host->neighbour_ports) = *port;
}

// "0.0.0.0:8080", "[::]:8080"
static bool
parse_local(struct str text, struct address *address, uint16_t *port)
{
    size_t colon = str_find_last_byte(text, ':');
    uint64_t number;

    if (colon == SIZE_MAX || !str_to_u64(str_part(text, colon + 1, text.len), 10, &number) || number == 0 ||
        number > UINT16_MAX)
        return false;
    *port = (uint16_t)number;
    text = str_part(text, 0, colon);
    if (str_starts(text, STR("[")) && str_ends(text, STR("]")))
        text = str_part(text, 1, text.len - 2);
    return address_parse(text, address);
}

// Windows' end of what a program in WSL listens on: that program is on this side.
static bool
is_own_relay(struct str name)
{
    size_t end = str_find_byte(name, '.');

    name = str_part(name, 0, end);
    return str_equal_nocase(name, STR("wslrelay")) || str_equal_nocase(name, STR("wslhost"));
}

static struct str
join_command(struct arena *arena, const cJSON *command)
{
    struct buf line = {.arena = arena};
    const cJSON *word;

    cJSON_ArrayForEach(word, command)
    {
        if (!cJSON_IsString(word))
            continue;
        if (line.len > 0)
            buf_add_byte(&line, ' ');
        buf_add_c(&line, word->valuestring);
    }
    return buf_str(&line);
}

static void
add_json_row(struct arena *arena, const cJSON *row, struct str system, struct host *host)
{
    struct neighbour_port port = {.system = system};
    struct str text;
    uint64_t pid;
    const cJSON *holder;
    bool held = false;

    if (!json_get_str(arena, row, "protocol", &text) || !host_protocol_parse(text, &port.protocol) ||
        !json_get_str(arena, row, "local", &text) || !parse_local(text, &port.address, &port.port) ||
        !json_get_str(arena, row, "state", &text) ||
        (!str_equal(text, STR("LISTEN")) && !str_equal(text, STR("UNCONN"))))
        return;
    // What listens in another network namespace shares nothing with this side.
    if (cJSON_IsString(cJSON_GetObjectItemCaseSensitive(row, "netns")))
        return;
    cJSON_ArrayForEach(holder, json_get_array(row, "holders"))
    {
        held = true;
        if (!json_get_u64(holder, "pid", &pid) || pid > UINT32_MAX)
            continue;
        port.pid = (uint32_t)pid;
        port.name = json_get_str(arena, holder, "name", &text) ? str_copy(arena, text) : STR("");
        port.command = join_command(arena, json_get_array(holder, "command"));
        if (!is_own_relay(port.name))
            add_port(arena, host, &port);
    }
    if (!held)
        add_port(arena, host, &port);
}

static bool
parse_document(struct arena *arena, struct str text, struct str system, struct host *host, struct err *err)
{
    cJSON *document = json_parse(arena, text, err);
    struct str schema;
    const cJSON *row;

    if (!document)
        return false;
    if (!json_get_str(arena, document, "schema", &schema) || !str_equal(schema, STR("moorage.list/1")))
        return err_set(err, ERR_FORMAT, 0, "the answer of moorage on the other system is of another kind");
    cJSON_ArrayForEach(row, json_get_array(document, "rows"))
    {
        add_json_row(arena, row, system, host);
    }
    return true;
}

struct answer_process {
    uint32_t pid;
    struct str name;
    struct str command;
};

struct answer {
    struct arena *arena;
    struct host rows; // its sockets
    struct {
        LIST_OF(struct answer_process);
    } processes;
    struct map64 holders; // of each inode: index of a process
    enum protocol protocol;
    enum family family; // of the table that is being read, NONE: none
    char data;          // tag whose data the next line is, 0: none
};

static void
begin_table(struct answer *answer, struct str name)
{
    answer->family = str_ends(name, STR("6")) ? FAMILY_IPV6 : FAMILY_IPV4;
    if (answer->family == FAMILY_IPV6)
        name = str_part(name, 0, name.len - 1);
    if (!host_protocol_parse(name, &answer->protocol))
        answer->family = FAMILY_NONE;
}

// A command line as it stands in /proc, on one line.
static struct str
plain_command(struct arena *arena, struct str text)
{
    struct buf line = {.arena = arena};

    for (size_t i = 0; i < text.len; i++)
        buf_add_byte(&line, text.ptr[i] == '\0' ? ' ' : text.ptr[i]);
    return str_trim(buf_str(&line));
}

static void
read_process_line(struct answer *answer, char tag, struct str text)
{
    uint64_t number;

    if (tag == 'P') {
        bool good = str_to_u64(text, 10, &number) && number <= UINT32_MAX;
        LIST_ADD(answer->arena, &answer->processes)->pid = good ? (uint32_t)number : 0;
    } else if (tag == 'S' && answer->processes.count > 0 && proc_parse_link(text, STR("socket"), &number)) {
        // The first one that has it opened it, as a rule: its children have higher numbers.
        if (!map64_get(&answer->holders, number, NULL))
            map64_put(answer->arena, &answer->holders, number, answer->processes.count - 1);
    }
}

static void
read_data_line(struct answer *answer, struct str text)
{
    if (answer->processes.count > 0) {
        struct answer_process *process = &answer->processes.items[answer->processes.count - 1];
        if (answer->data == 'N')
            process->name = str_trim(text);
        else
            process->command = plain_command(answer->arena, text);
    }
    answer->data = 0;
}

static void
read_answer_line(struct answer *answer, struct str line)
{
    if (answer->data != 0)
        read_data_line(answer, line);
    else if (str_equal(line, STR("N")) || str_equal(line, STR("C")))
        answer->data = line.ptr[0];
    else if (str_starts(line, STR("T ")))
        begin_table(answer, str_trim(str_part(line, 2, line.len)));
    else if (str_starts(line, STR("P ")) || str_starts(line, STR("S ")))
        read_process_line(answer, line.ptr[0], str_trim(str_part(line, 2, line.len)));
    else if (answer->family != FAMILY_NONE)
        proc_net_rows(answer->arena, line, answer->protocol, answer->family, 1u << SOCKET_LISTEN | 1u << SOCKET_UNCONN,
                      1, UINT16_MAX, &answer->rows);
}

static bool
parse_answer(struct arena *arena, struct str text, struct str system, struct host *host, struct err *err)
{
    struct answer answer = {.arena = arena};
    struct str line;

    if (!str_cut(&text, '\n', &line) || !str_equal(str_trim(line), STR(MARK)))
        return err_set(err, ERR_FORMAT, 0, "the answer of the other system is none");
    while (str_cut(&text, '\n', &line))
        read_answer_line(&answer, line);
    for (size_t i = 0; i < answer.rows.sockets.count; i++) {
        const struct socket_row *row = &answer.rows.sockets.items[i];
        struct neighbour_port port = {
            .system = STR("WSL"), .protocol = row->protocol, .address = row->local, .port = row->local_port};
        size_t process;
        if (map64_get(&answer.holders, row->inode, &process)) {
            port.system = system;
            port.pid = answer.processes.items[process].pid;
            port.name = answer.processes.items[process].name;
            port.command = answer.processes.items[process].command;
        }
        add_port(arena, host, &port);
    }
    return true;
}

bool
neighbour_list_parse(struct arena *arena, struct str text, struct str system, struct host *host, struct err *err)
{
    struct str start = str_trim(text);

    // A shell that starts may greet first.
    size_t mark = str_find(text, STR(MARK));
    if (!str_starts(start, STR("{")) && mark != SIZE_MAX)
        return parse_answer(arena, str_part(text, mark, text.len), system, host, err);
    return parse_document(arena, start, system, host, err);
}
