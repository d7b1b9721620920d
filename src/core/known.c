#include "core/known.h"

#include <string.h>

#include "base/ascii.h"
#include "base/json.h"
#include "base/json_image.h"
#include "core/lookup.h"

enum {
    GRACE_USUAL = 10,
    // Linux keeps 15 bytes of a process's short name (TASK_COMM_LEN in linux/sched.h).
    SHORT_NAME = 15,
    REMEMBERED = 512,
    NAME_REMEMBERED = 40,
};

// data/known.json, by the build
extern const struct json_image known_image;

// It lives as long as the program: it never changes, and its texts are given out.
static struct arena *known_arena;
static const cJSON *known_root;

static const cJSON *
root(void)
{
    if (!known_root) {
        known_arena = arena_open();
        known_root = json_image_open(known_arena, &known_image);
    }
    return known_root;
}

static struct str
text_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? str_of(item->valuestring) : (struct str){NULL, 0};
}

// A name of the table may end in '*'; the system may have cut the program's.
static bool
name_matches(struct str entry, struct str name)
{
    if (str_ends(entry, STR("*")))
        return name.len >= entry.len - 1 &&
               str_equal_nocase(str_part(entry, 0, entry.len - 1), str_part(name, 0, entry.len - 1));
    if (name.len == SHORT_NAME && entry.len > SHORT_NAME)
        entry = str_part(entry, 0, SHORT_NAME);
    return str_equal_nocase(entry, name);
}

static bool
list_has_name(const cJSON *list, struct str name)
{
    static const struct str ending = STR_INIT(".exe");
    const cJSON *item = NULL;

    if (name.len > ending.len && str_equal_nocase(str_part(name, name.len - ending.len, SIZE_MAX), ending))
        name = str_part(name, 0, name.len - ending.len);
    if (name.len == 0)
        return false;
    cJSON_ArrayForEach(item, list)
    {
        if (name_matches(str_of(item->valuestring), name))
            return true;
    }
    return false;
}

static bool
list_has_port(const cJSON *list, uint16_t port)
{
    const cJSON *item = NULL;

    cJSON_ArrayForEach(item, list)
    {
        if (item->valueint == port)
            return true;
    }
    return false;
}

static bool
is_for_protocol(const cJSON *entry, enum protocol protocol)
{
    struct str name = text_of(entry, "protocol");
    enum protocol only = PROTOCOL_TCP;

    return name.len == 0 || (host_protocol_parse(name, &only) && host_same_ports(only, protocol));
}

static struct known_cause
cause_of(const cJSON *entry)
{
    if (!entry)
        return (struct known_cause){.id = {NULL, 0}};
    return (struct known_cause){
        .id = text_of(entry, "id"),
        .title = text_of(entry, "title"),
        .advice = text_of(entry, "advice"),
        .command = text_of(entry, "command"),
        .harm = text_of(entry, "harm"),
    };
}

struct known_cause
known_find(enum protocol protocol, uint16_t port, struct str name)
{
    const cJSON *entry = NULL;
    const cJSON *of_any_port = NULL;

    cJSON_ArrayForEach(entry, json_get_array(root(), "causes"))
    {
        const cJSON *ports = json_get_array(entry, "ports");
        bool has_port = list_has_port(ports, port) && is_for_protocol(entry, protocol);
        bool any_port = cJSON_GetArraySize(ports) == 0;
        bool has_name = (has_port || any_port) && list_has_name(json_get_array(entry, "programs"), name);
        bool alone = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(entry, "alone"));
        if (has_port && (has_name || (name.len == 0 && alone)))
            return cause_of(entry);
        if (has_name && any_port && !of_any_port)
            of_any_port = entry;
    }
    return cause_of(of_any_port);
}

static bool
list_has_path(const cJSON *list, struct str path)
{
    const cJSON *item = NULL;

    cJSON_ArrayForEach(item, list)
    {
        struct str start = str_of(item->valuestring);
        if (path.len >= start.len && str_equal_nocase(str_part(path, 0, start.len), start) &&
            (path.len == start.len || path.ptr[start.len] == '/'))
            return true;
    }
    return false;
}

struct known_user
known_http_user(uint16_t port, struct str path, struct str name)
{
    const cJSON *entry = NULL;
    const cJSON *found = NULL;

    cJSON_ArrayForEach(entry, json_get_array(root(), "http_users"))
    {
        bool of_program = list_has_name(json_get_array(entry, "programs"), name);
        bool of_address =
            list_has_path(json_get_array(entry, "paths"), path) || list_has_port(json_get_array(entry, "ports"), port);
        if (of_program || (of_address && !found))
            found = entry;
        if (of_program)
            break;
    }
    if (!found)
        return (struct known_user){.id = {NULL, 0}};
    return (struct known_user){
        .id = text_of(found, "id"),
        .title = text_of(found, "title"),
        .service = text_of(found, "service"),
        .advice = text_of(found, "advice"),
        .harm = text_of(found, "harm"),
    };
}

bool
known_is_usual_owner(struct arena *arena, enum protocol protocol, uint16_t port, struct str name, struct str *usual)
{
    const cJSON *entry = NULL;

    *usual = (struct str){NULL, 0};
    // What forwards a port may stand for any program.
    if (name.len == 0 || known_is("forwarder", name) || known_is("relay", name))
        return true;
    cJSON_ArrayForEach(entry, json_get_array(root(), "owners"))
    {
        const cJSON *programs = json_get_array(entry, "programs");
        const cJSON *second = cJSON_GetArrayItem(programs, 1);
        if (!list_has_port(json_get_array(entry, "ports"), port) || !is_for_protocol(entry, protocol))
            continue;
        if (list_has_name(programs, name))
            return true;
        *usual = str_of(cJSON_GetArrayItem(programs, 0)->valuestring);
        if (second)
            *usual = str_printf(arena, "%.*s or %s", STR_ARG(*usual), second->valuestring);
        return false;
    }
    return true;
}

unsigned
known_grace(struct str name)
{
    const cJSON *entry = NULL;

    cJSON_ArrayForEach(entry, json_get_object(root(), "grace"))
    {
        uint64_t seconds = 0;
        if (list_has_name(entry, name) && str_to_u64(str_of(entry->string), 10, &seconds))
            return (unsigned)seconds;
    }
    return GRACE_USUAL;
}

// One answer of known_is(), which is asked the same of each port of a range.
struct remembered {
    const char *class_name; // as it was given: a literal
    bool is;
    size_t len;
    char name[NAME_REMEMBERED];
};

bool
known_is(const char *class_name, struct str name)
{
    static struct remembered all[REMEMBERED];
    uint64_t hash = lookup_mix(0, (uintptr_t)class_name);

    if (name.len == 0 || name.len > NAME_REMEMBERED)
        return list_has_name(json_get_array(json_get_object(root(), "classes"), class_name), name);
    for (size_t i = 0; i < name.len; i++)
        hash = lookup_mix(hash, (unsigned char)name.ptr[i]);
    struct remembered *one = &all[hash % REMEMBERED];
    if (one->class_name != class_name || one->len != name.len || memcmp(one->name, name.ptr, name.len) != 0) {
        *one = (struct remembered){.class_name = class_name, .len = name.len};
        memcpy(one->name, name.ptr, name.len);
        one->is = list_has_name(json_get_array(json_get_object(root(), "classes"), class_name), name);
    }
    return one->is;
}

struct str
known_supervisor_command(struct str name)
{
    const cJSON *entry = NULL;

    cJSON_ArrayForEach(entry, json_get_array(root(), "supervisors"))
    {
        if (list_has_name(json_get_array(entry, "programs"), name))
            return text_of(entry, "stop");
    }
    return (struct str){NULL, 0};
}

bool
known_is_blocked_by_browsers(uint16_t port)
{
    return list_has_port(json_get_array(root(), "browser_blocked"), port);
}

bool
known_is_default_port(enum protocol protocol, uint16_t port)
{
    bool tcp = host_same_ports(protocol, PROTOCOL_TCP);

    return list_has_port(json_get_array(json_get_object(root(), "default_ports"), tcp ? "tcp" : "udp"), port);
}

struct str
known_error_meaning(struct str error)
{
    const cJSON *entry = NULL;

    cJSON_ArrayForEach(entry, json_get_array(root(), "errors"))
    {
        const cJSON *name = NULL;
        cJSON_ArrayForEach(name, json_get_array(entry, "names"))
        {
            if (str_equal_nocase(str_of(name->valuestring), error))
                return text_of(entry, "meaning");
        }
    }
    return (struct str){NULL, 0};
}

static bool
is_word(char c)
{
    return ascii_is_letter_or_digit(c) || c == '_';
}

// Where the words stand in the text from `start` on, whatever their case; SIZE_MAX if they don't.
static size_t
find_words(struct str text, struct str words, size_t start)
{
    for (size_t at = start; at + words.len <= text.len; at++) {
        size_t same = 0;
        while (same < words.len && ascii_lower(text.ptr[at + same]) == ascii_lower(words.ptr[same]))
            same++;
        if (same == words.len)
            return at;
    }
    return SIZE_MAX;
}

// A number as small as 98 means an error only where the text says so: "Errno 98", "os error 98", "code: 98", "(98: ...".
static bool
is_called_error(struct str text, size_t at)
{
    static const struct str callers[] = {STR_INIT("errno "), STR_INIT("error "), STR_INIT("error: "),
                                         STR_INIT("code "),  STR_INIT("code: "), STR_INIT("code="),
                                         STR_INIT("("),      STR_INIT("errno: ")};

    for (size_t i = 0; i < sizeof callers / sizeof *callers; i++)
        if (at >= callers[i].len && find_words(str_part(text, at - callers[i].len, callers[i].len), callers[i], 0) == 0)
            return true;
    return false;
}

static size_t
find_name(struct str text, struct str name)
{
    bool small = name.len < 5 && ascii_is_digit(name.ptr[0]);

    for (size_t at = find_words(text, name, 0); at != SIZE_MAX; at = find_words(text, name, at + 1)) {
        bool whole =
            (at == 0 || !is_word(text.ptr[at - 1])) && (at + name.len == text.len || !is_word(text.ptr[at + name.len]));
        if (whole && (!small || is_called_error(text, at)))
            return at;
    }
    return SIZE_MAX;
}

static size_t
find_entry(struct str text, const cJSON *entry)
{
    const cJSON *item = NULL;
    size_t first = SIZE_MAX;

    cJSON_ArrayForEach(item, json_get_array(entry, "names"))
    {
        size_t at = find_name(text, str_of(item->valuestring));
        first = at < first ? at : first;
    }
    cJSON_ArrayForEach(item, json_get_array(entry, "phrases"))
    {
        size_t at = find_words(text, str_of(item->valuestring), 0);
        first = at < first ? at : first;
    }
    return first;
}

struct str
known_error_in(struct str text)
{
    const cJSON *entry = NULL;
    struct str meaning = {NULL, 0};
    size_t first = SIZE_MAX;

    cJSON_ArrayForEach(entry, json_get_array(root(), "errors"))
    {
        size_t at = find_entry(text, entry);
        if (at < first) {
            first = at;
            meaning = text_of(entry, "meaning");
        }
    }
    return meaning;
}
