#include "decode/http_url.h"

#include "base/list.h"
#include "base/utf8.h"

#define TAB_WIDTH 8
#define NO_LINE SIZE_MAX

// A line and the one that it is indented below.
struct line {
    struct str text;
    size_t indent;
    size_t parent; // NO_LINE: none
    size_t queue;  // index of the queue that the line is the title of, NO_LINE: of none
};

struct queue {
    struct str name;
    struct {
        LIST_OF(uint32_t);
    } pids;
};

struct tree {
    struct arena *arena;
    struct {
        LIST_OF(struct line);
    } lines;
    struct {
        LIST_OF(struct queue);
    } queues;
};

static bool
is_url(struct str text)
{
    return str_equal_nocase(str_part(text, 0, 7), STR("http://")) ||
           str_equal_nocase(str_part(text, 0, 8), STR("https://"));
}

bool
http_url_port(struct str url, uint16_t *port)
{
    uint64_t number;
    size_t end;

    if (!is_url(url))
        return false;
    url = str_part(url, str_find(url, STR("://")) + 3, url.len);
    end = str_find_byte(url, '/');
    url = str_part(url, 0, end);
    // The colons of an IPv6 address stand in brackets.
    if (str_starts(url, STR("["))) {
        end = str_find_byte(url, ']');
        if (end == SIZE_MAX)
            return false;
        url = str_part(url, end, url.len);
    }
    end = str_find_byte(url, ':');
    if (end == SIZE_MAX)
        return false;
    url = str_part(url, end + 1, url.len);
    url = str_part(url, 0, str_find_byte(url, ':'));
    if (!str_to_u64(url, 10, &number) || number == 0 || number > UINT16_MAX)
        return false;
    *port = (uint16_t)number;
    return true;
}

struct http_url *
http_url_add(struct arena *arena, struct str url, struct host *host)
{
    uint16_t port;

    if (!http_url_port(url, &port))
        return NULL;
    for (size_t i = 0; i < host->http_urls.count; i++)
        if (str_equal_nocase(host->http_urls.items[i].url, url))
            return &host->http_urls.items[i];
    struct http_url *added = LIST_ADD(arena, &host->http_urls);
    added->url = url;
    added->port = port;
    return added;
}

static size_t
indent_of(struct str line)
{
    size_t columns = 0;

    for (size_t i = 0; i < line.len && (line.ptr[i] == ' ' || line.ptr[i] == '\t'); i++)
        columns = line.ptr[i] == ' ' ? columns + 1 : (columns / TAB_WIDTH + 1) * TAB_WIDTH;
    return columns;
}

static void
read_lines(struct tree *tree, struct str text)
{
    struct str line;

    while (str_cut(&text, '\n', &line)) {
        if (str_trim(line).len == 0)
            continue;
        size_t count = tree->lines.count;
        struct line *added = LIST_ADD(tree->arena, &tree->lines);
        *added = (struct line){str_trim(line), indent_of(line), NO_LINE, NO_LINE};
        size_t above = count == 0 ? NO_LINE : count - 1;
        while (above != NO_LINE && tree->lines.items[above].indent >= added->indent)
            above = tree->lines.items[above].parent;
        added->parent = above;
    }
}

// What stands behind the first colon; the numbers of sessions and groups (16 hexadecimal digits) are no value that names
// anything.
static struct str
value_of(struct str text)
{
    size_t colon = str_find_byte(text, ':');
    uint64_t id;

    if (colon == SIZE_MAX)
        return STR("");
    struct str value = str_trim(str_part(text, colon + 1, text.len));
    return value.len == 16 && str_to_u64(value, 16, &id) ? STR("") : value;
}

// The queue that a line belongs to: the nearest line above it that has a value is the title of one, for the titles of lists
// end in their colon.
static size_t
queue_of(struct tree *tree, size_t at)
{
    size_t title = tree->lines.items[at].parent;

    while (title != NO_LINE && value_of(tree->lines.items[title].text).len == 0)
        title = tree->lines.items[title].parent;
    if (title == NO_LINE)
        return NO_LINE;
    struct line *line = &tree->lines.items[title];
    if (line->queue == NO_LINE) {
        line->queue = tree->queues.count;
        LIST_ADD(tree->arena, &tree->queues)->name = value_of(line->text);
    }
    return line->queue;
}

// "2312", or as newer systems print it: "ID: 2312, image: C:\Windows\System32\svchost.exe".
static bool
parse_pid(struct str text, uint32_t *out)
{
    uint64_t number;

    if (!str_to_u64(text, 10, &number)) {
        struct str value = value_of(text);
        size_t digits = str_digits(value);
        // Other lines end in their number.
        if (str_find_byte(str_part(value, digits, value.len), ':') == SIZE_MAX ||
            !str_to_u64(str_part(value, 0, digits), 10, &number))
            return false;
    }
    *out = (uint32_t)number;
    return number != 0 && number <= UINT32_MAX;
}

static void
add_pid(struct arena *arena, struct queue *queue, uint32_t pid)
{
    for (size_t i = 0; i < queue->pids.count; i++)
        if (queue->pids.items[i] == pid)
            return;
    *LIST_ADD(arena, &queue->pids) = pid;
}

// Whether it is what netsh prints in place of a name.
static bool
is_sentence(const struct tree *tree, struct str name)
{
    size_t same = 0;

    for (size_t i = 0; i < tree->queues.count; i++)
        same += str_equal(tree->queues.items[i].name, name);
    return same > 1 || !utf8_valid(name) || str_ends(name, STR(".")) || str_ends(name, STR("\xe3\x80\x82"));
}

static void
add_url(struct tree *tree, size_t at, struct host *host)
{
    struct http_url *url = http_url_add(tree->arena, tree->lines.items[at].text, host);
    size_t at_queue = url ? queue_of(tree, at) : NO_LINE;

    if (!url)
        return;
    url->registered = true;
    if (at_queue == NO_LINE)
        return;
    const struct queue *queue = &tree->queues.items[at_queue];
    if (!is_sentence(tree, queue->name))
        url->owner = queue->name;
    for (size_t i = 0; i < queue->pids.count; i++) {
        size_t k = 0;
        while (k < url->pids.count && url->pids.items[k] != queue->pids.items[i])
            k++;
        if (k == url->pids.count)
            *LIST_ADD(tree->arena, &url->pids) = queue->pids.items[i];
    }
}

void
http_url_read_queues(struct arena *arena, struct str text, struct host *host)
{
    struct tree tree = {.arena = arena};
    uint32_t pid;

    read_lines(&tree, text);
    for (size_t i = 0; i < tree.lines.count; i++) {
        bool names_pid = !is_url(tree.lines.items[i].text) && parse_pid(tree.lines.items[i].text, &pid);
        size_t at_queue = names_pid || is_url(tree.lines.items[i].text) ? queue_of(&tree, i) : NO_LINE;
        if (names_pid && at_queue != NO_LINE)
            add_pid(arena, &tree.queues.items[at_queue], pid);
    }
    for (size_t i = 0; i < tree.lines.count; i++)
        add_url(&tree, i, host);
}
