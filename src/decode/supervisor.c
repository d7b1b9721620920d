#include "decode/supervisor.h"

#include "base/buf.h"
#include "base/json.h"
#include "decode/http.h"
#include "decode/xml_rpc.h"

enum {
    NAME_MOST = 128,
    PLACE_MOST = 107, // of a unix socket (unix(7))
    FRAME_MOST = 16 << 20,
    PARTS_MOST = 15,
    // Of supervisord (supervisor/states.py, supervisor/xmlrpc.py).
    STATE_STOPPED = 0,
    STATE_RUNNING = 20,
    STATE_EXITED = 100,
    STATE_FATAL = 200,
    FAULT_BAD_NAME = 10,
    FAULT_ALREADY_STARTED = 60,
    FAULT_NOT_RUNNING = 70,
};

static const struct str supervisord = STR_INIT("supervisord");
static const struct str pm2 = STR_INIT("pm2");
static const struct str unix_scheme = STR_INIT("unix://");
static const struct str http_scheme = STR_INIT("http://");

// --- what a process says of itself ---

// A word that means nothing to a shell, to XML or to JSON.
static bool
is_plain(struct str text, size_t most)
{
    return text.len > 0 && text.len <= most && text.ptr[0] != '-' && str_is_plain(text, STR("-_.:/@+"));
}

static bool
is_loopback(struct str place)
{
    static const struct str hosts[] = {STR_INIT("127.0.0.1:"), STR_INIT("[::1]:")};
    uint64_t port;

    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        if (str_starts(place, hosts[i]) && str_to_u64(str_part(place, hosts[i].len, SIZE_MAX), 10, &port))
            return port > 0 && port <= UINT16_MAX;
    return false;
}

bool
supervisor_is_plain(const struct supervisor_entry *entry)
{
    uint64_t number;
    bool path = str_starts(entry->api, STR("/")) && is_plain(entry->api, PLACE_MOST) &&
                str_find(entry->api, STR("/../")) == SIZE_MAX;

    if (!is_plain(entry->name.value, NAME_MOST))
        return false;
    if (str_equal(entry->of, pm2))
        return path && str_to_u64(entry->name.value, 10, &number) && number <= INT32_MAX;
    return str_equal(entry->of, supervisord) && (path || is_loopback(entry->api));
}

// The value of a variable; empty if it is not set.
static struct str
variable(struct str bytes, struct str name)
{
    struct str line;

    while (str_cut(&bytes, '\0', &line))
        if (str_starts(line, name) && line.len > name.len && line.ptr[name.len] == '=')
            return str_part(line, name.len + 1, SIZE_MAX);
    return STR("");
}

// "unix:///run/supervisor.sock" or "http://localhost:9001": where it listens; empty if that is not on this machine.
static struct str
place_of(struct arena *arena, struct str url)
{
    static const struct str localhost = STR_INIT("localhost:");

    if (str_starts(url, unix_scheme))
        return str_part(url, unix_scheme.len, SIZE_MAX);
    if (!str_starts(url, http_scheme))
        return STR("");
    struct str host = str_part(url, http_scheme.len, SIZE_MAX);
    if (str_ends(host, STR("/")))
        host.len--;
    return str_starts(host, localhost)
               ? str_printf(arena, "127.0.0.1:%.*s", STR_ARG(str_part(host, localhost.len, SIZE_MAX)))
               : host;
}

static struct supervisor_entry
entry_of_supervisord(struct arena *arena, struct str bytes)
{
    struct str process = variable(bytes, STR("SUPERVISOR_PROCESS_NAME"));
    struct str group = variable(bytes, STR("SUPERVISOR_GROUP_NAME"));
    struct supervisor_entry entry = {.of = supervisord};

    // As supervisorctl(1) has it: an entry that is alone in its group goes by one name.
    entry.name.value = group.len == 0 || str_equal(group, process)
                           ? process
                           : str_printf(arena, "%.*s:%.*s", STR_ARG(group), STR_ARG(process));
    entry.api = place_of(arena, variable(bytes, STR("SUPERVISOR_SERVER_URL")));
    return entry;
}

static struct supervisor_entry
entry_of_pm2(struct arena *arena, struct str bytes)
{
    struct str folder = variable(bytes, STR("PM2_HOME"));
    struct str home = variable(bytes, STR("HOME"));
    struct supervisor_entry entry = {.of = pm2, .name = {.value = variable(bytes, STR("pm_id"))}};

    if (folder.len > 0)
        entry.api = str_printf(arena, "%.*s/rpc.sock", STR_ARG(folder));
    else if (home.len > 0)
        entry.api = str_printf(arena, "%.*s/.pm2/rpc.sock", STR_ARG(home));
    return entry;
}

void
supervisor_parse_environment(struct arena *arena, struct str bytes, struct supervisor_entry *out)
{
    struct supervisor_entry found[2] = {entry_of_supervisord(arena, bytes), entry_of_pm2(arena, bytes)};

    *out = (struct supervisor_entry){.name = {.known = KNOWN_YES}};
    for (size_t i = 0; i < 2; i++) {
        if (!supervisor_is_plain(&found[i]))
            continue;
        *out = found[i];
        out->name.known = KNOWN_YES;
        return;
    }
}

// --- supervisord ---

static struct str
request_of_supervisord(struct arena *arena, struct str name, enum supervisor_verb verb)
{
    static const char *const methods[] = {
        [SUPERVISOR_ASK] = "getProcessInfo",
        [SUPERVISOR_STOP] = "stopProcess",
        [SUPERVISOR_START] = "startProcess",
    };
    // It need not wait: how the entry stands is asked for.
    const char *at_once = verb == SUPERVISOR_ASK ? "" : "<param><value><boolean>0</boolean></value></param>";
    struct str body = str_printf(arena,
                                 "<?xml version=\"1.0\"?><methodCall><methodName>supervisor.%s</methodName><params>"
                                 "<param><value><string>%.*s</string></value></param>%s</params></methodCall>",
                                 methods[verb], STR_ARG(name), at_once);

    return str_printf(arena,
                      "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: text/xml\r\n"
                      "Content-Length: %zu\r\n\r\n%.*s",
                      body.len, STR_ARG(body));
}

static bool
judge_fault(const struct xml_rpc *answer, struct err *err)
{
    struct str text = xml_rpc_member(answer, STR("faultString"));
    uint64_t code = 0;

    (void)str_to_u64(xml_rpc_member(answer, STR("faultCode")), 10, &code);
    if (code == FAULT_ALREADY_STARTED || code == FAULT_NOT_RUNNING)
        return true;
    return err_set(err, code == FAULT_BAD_NAME ? ERR_GONE : ERR_SYSTEM, (unsigned long)code, "supervisord: %.*s",
                   STR_ARG(text));
}

static bool
state_of_supervisord(struct arena *arena, const struct xml_rpc *answer, struct supervisor_state *state)
{
    uint64_t code;
    uint64_t pid;

    if (!str_to_u64(xml_rpc_member(answer, STR("state")), 10, &code) ||
        !str_to_u64(xml_rpc_member(answer, STR("pid")), 10, &pid) || pid > UINT32_MAX)
        return false;
    *state = (struct supervisor_state){
        .running = code == STATE_RUNNING,
        .stopped = code == STATE_STOPPED || code == STATE_EXITED || code == STATE_FATAL,
        .failed = code == STATE_FATAL,
        .pid = (uint32_t)pid,
        .word = str_copy(arena, xml_rpc_member(answer, STR("statename"))),
    };
    return true;
}

static bool
judge_supervisord(struct arena *arena, const struct http_answer *http, enum supervisor_verb verb,
                  struct supervisor_state *state, struct err *err)
{
    struct xml_rpc answer;

    if (http->status == 401)
        return err_set(err, ERR_NOT_ALLOWED, 401, "supervisord wants a password");
    if (http->status != 200)
        return err_set(err, ERR_SYSTEM, http->status, "supervisord answered %u", http->status);
    if (!xml_rpc_parse(arena, http->body, &answer))
        return err_set(err, ERR_FORMAT, 0, "what came is no answer of supervisord");
    if (answer.fault)
        return judge_fault(&answer, err);
    if (verb == SUPERVISOR_ASK && !state_of_supervisord(arena, &answer, state))
        return err_set(err, ERR_FORMAT, 0, "supervisord does not say how it stands");
    return true;
}

// --- pm2 ---

static void
add_part(struct buf *out, struct str part)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_add_byte(out, (char)(part.len >> shift & 0xff));
    buf_add(out, part);
}

// A frame is version (1) and count of its parts in one byte, then each part with its length before it, in network order.
static struct str
request_of_pm2(struct arena *arena, struct str name, enum supervisor_verb verb)
{
    struct buf out = {.arena = arena};
    struct str call = verb == SUPERVISOR_ASK
                          ? STR("{\"type\":\"call\",\"method\":\"getMonitorData\",\"args\":[{}]}")
                          : str_printf(arena, "{\"type\":\"call\",\"method\":\"%s\",\"args\":[%.*s]}",
                                       verb == SUPERVISOR_STOP ? "stopProcessId" : "startProcessId", STR_ARG(name));

    buf_add_byte(&out, 0x12);
    add_part(&out, str_printf(arena, "j:%.*s", STR_ARG(call)));
    add_part(&out, STR("s:moorage:0"));
    return buf_str(&out);
}

// The first part of a frame, once the frame is whole.
static enum supervisor_answer
cut_frame(struct str bytes, struct str *first)
{
    size_t at = 1;

    if (bytes.len == 0)
        return SUPERVISOR_MORE;
    unsigned head = (unsigned char)bytes.ptr[0];
    unsigned count = head & PARTS_MOST;
    if (head >> 4 != 1 || count == 0)
        return SUPERVISOR_BAD;
    for (unsigned i = 0; i < count; i++) {
        uint32_t length = 0;
        if (bytes.len - at < sizeof length)
            return SUPERVISOR_MORE;
        for (size_t k = 0; k < sizeof length; k++)
            length = length << 8 | (unsigned char)bytes.ptr[at + k];
        at += sizeof length;
        if (length > FRAME_MOST)
            return SUPERVISOR_BAD;
        if (bytes.len - at < length)
            return SUPERVISOR_MORE;
        if (i == 0)
            *first = str_part(bytes, at, length);
        at += length;
    }
    return SUPERVISOR_GOOD;
}

static bool
state_of_pm2(struct arena *arena, const cJSON *list, struct str name, struct supervisor_state *state)
{
    const cJSON *item = NULL;

    cJSON_ArrayForEach(item, list)
    {
        uint64_t id;
        uint64_t pid = 0;
        if (!json_get_u64(item, "pm_id", &id) || !str_equal(str_printf(arena, "%u", (unsigned)id), name))
            continue;
        (void)json_get_u64(item, "pid", &pid);
        struct str word = {0};
        (void)json_get_str(arena, json_get_object(item, "pm2_env"), "status", &word);
        *state = (struct supervisor_state){
            .running = str_equal(word, STR("online")),
            .stopped = str_equal(word, STR("stopped")) || str_equal(word, STR("errored")),
            .failed = str_equal(word, STR("errored")),
            .pid = pid > UINT32_MAX ? 0 : (uint32_t)pid,
            .word = word,
        };
        return true;
    }
    return false;
}

static bool
judge_pm2(struct arena *arena, struct str part, struct str name, enum supervisor_verb verb,
          struct supervisor_state *state, struct err *err)
{
    const cJSON *answer = str_starts(part, STR("j:")) ? json_parse(arena, str_part(part, 2, SIZE_MAX), NULL) : NULL;
    const cJSON *args = json_get_array(answer, "args");
    struct str error;

    if (json_get_str(arena, answer, "error", &error))
        return err_set(err, str_find(error, STR("id unknown")) == SIZE_MAX ? ERR_SYSTEM : ERR_GONE, 0, "pm2: %.*s",
                       STR_ARG(error));
    if (!args)
        return err_set(err, ERR_FORMAT, 0, "what came is no answer of pm2");
    const cJSON *list = cJSON_GetArrayItem(args, 0);
    if (verb == SUPERVISOR_ASK && (!cJSON_IsArray(list) || !state_of_pm2(arena, list, name, state)))
        return err_set(err, ERR_GONE, 0, "pm2: %.*s is not known", STR_ARG(name));
    return true;
}

// --- both ---

struct str
supervisor_request(struct arena *arena, const struct supervisor_entry *entry, enum supervisor_verb verb)
{
    return str_equal(entry->of, pm2) ? request_of_pm2(arena, entry->name.value, verb)
                                     : request_of_supervisord(arena, entry->name.value, verb);
}

enum supervisor_answer
supervisor_parse(struct arena *arena, const struct supervisor_entry *entry, enum supervisor_verb verb, struct str bytes,
                 bool ended, struct supervisor_state *state, struct err *err)
{
    struct http_answer http = {0};
    struct str part = {0};
    enum supervisor_answer whole;
    bool good;

    if (str_equal(entry->of, pm2)) {
        whole = cut_frame(bytes, &part);
    } else {
        enum http_state got = http_parse(arena, bytes, ended, &http);
        whole = got == HTTP_DONE ? SUPERVISOR_GOOD : got == HTTP_MORE ? SUPERVISOR_MORE : SUPERVISOR_BAD;
    }
    if (whole == SUPERVISOR_BAD || (whole == SUPERVISOR_MORE && ended)) {
        (void)err_set(err, ERR_FORMAT, 0, "what came is no whole answer of %.*s", STR_ARG(entry->of));
        return SUPERVISOR_BAD;
    }
    if (whole == SUPERVISOR_MORE)
        return SUPERVISOR_MORE;
    json_use(arena);
    good = str_equal(entry->of, pm2) ? judge_pm2(arena, part, entry->name.value, verb, state, err)
                                     : judge_supervisord(arena, &http, verb, state, err);
    return good ? SUPERVISOR_GOOD : SUPERVISOR_BAD;
}
