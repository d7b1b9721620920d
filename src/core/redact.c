#include "core/redact.h"

#include <string.h>

#include "base/ascii.h"
#include "base/buf.h"

static const struct str mask = STR_INIT("***");

// Parts of a name that say "secret" wherever they stand in it.
static const struct str secret_parts[] = {
    STR_INIT("password"), STR_INIT("passwd"),     STR_INIT("passphrase"), STR_INIT("secret"),
    STR_INIT("token"),    STR_INIT("credential"), STR_INIT("apikey"),     STR_INIT("requirepass"),
};

// Words that say so only when they stand for themselves: a "key", but no "keyspace" and no "author".
static const struct str secret_words[] = {
    STR_INIT("key"),     STR_INIT("keys"),       STR_INIT("pwd"),           STR_INIT("pass"),
    STR_INIT("pw"),      STR_INIT("auth"),       STR_INIT("authorization"), STR_INIT("cookie"),
    STR_INIT("cookies"), STR_INIT("masterauth"), STR_INIT("accesskey"),     STR_INIT("privatekey"),
};

// Beginnings of tokens whose makers mark them so that they can be found (code hosts, chat, clouds, JSON Web Tokens).
static const struct str token_starts[] = {
    STR_INIT("ghp_"),     STR_INIT("gho_"),  STR_INIT("ghs_"),  STR_INIT("github_pat_"),
    STR_INIT("glpat-"),   STR_INIT("xoxb-"), STR_INIT("xoxp-"), STR_INIT("sk-"),
    STR_INIT("sk_live_"), STR_INIT("AKIA"),  STR_INIT("npm_"),  STR_INIT("eyJ"),
};

// Short options of single programs that carry a secret. `attached`: -pSECRET; `next`: -p SECRET; `after_colon`: the
// secret is what follows the first ':' of the value.
static const struct program_option {
    struct str program; // its name starts so
    char letter;
    bool attached;
    bool next;
    bool after_colon;
} program_options[] = {
    {STR_INIT("mysql"), 'p', true, false, false},     {STR_INIT("mariadb"), 'p', true, false, false},
    {STR_INIT("sshpass"), 'p', true, true, false},    {STR_INIT("redis-cli"), 'a', false, true, false},
    {STR_INIT("curl"), 'u', true, true, true},        {STR_INIT("docker"), 'p', false, true, false},
    {STR_INIT("ldapsearch"), 'w', true, true, false}, {STR_INIT("mongo"), 'p', false, true, false},
};

// What is known while one command line is read from left to right.
struct reader {
    struct arena *arena;
    struct str program;    // the last program's name that was seen
    bool login;            // "login" was seen: `docker login -p`
    bool next_is_secret;   // the option before wants its value
    bool next_after_colon; // of that value, only what follows the ':'
};

static bool
is_name_byte(char c)
{
    return ascii_is_letter_or_digit(c) || c == '_' || c == '-' || c == '.';
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
contains_nocase(struct str hay, struct str needle)
{
    for (size_t i = 0; i + needle.len <= hay.len; i++)
        if (str_equal_nocase(str_part(hay, i, needle.len), needle))
            return true;
    return false;
}

static bool
is_secret_word(struct str word)
{
    for (size_t i = 0; i < sizeof secret_words / sizeof *secret_words; i++)
        if (str_equal_nocase(word, secret_words[i]))
            return true;
    return false;
}

// The names's words end at - _ . and where small letters turn to capitals.
static bool
is_secret_name(struct str name)
{
    size_t start = 0;

    for (size_t i = 0; i < sizeof secret_parts / sizeof *secret_parts; i++)
        if (contains_nocase(name, secret_parts[i]))
            return true;
    for (size_t i = 0; i <= name.len; i++) {
        bool separator = i == name.len || name.ptr[i] == '-' || name.ptr[i] == '_' || name.ptr[i] == '.';
        bool hump = !separator && i > start && ascii_lower(name.ptr[i]) != name.ptr[i] &&
                    ascii_lower(name.ptr[i - 1]) == name.ptr[i - 1];
        if (!separator && !hump)
            continue;
        if (is_secret_word(str_part(name, start, i - start)))
            return true;
        start = separator ? i + 1 : i;
    }
    return false;
}

static bool
is_marked_token(struct str word)
{
    for (size_t i = 0; i < sizeof token_starts / sizeof *token_starts; i++)
        if (word.len >= 16 && str_starts(word, token_starts[i]))
            return true;
    return false;
}

// Where a value ends that starts at `at`: at its closing quote, or at the end of the word.
static size_t
value_end(struct str text, size_t at, bool to_the_end)
{
    char quote = at < text.len && (text.ptr[at] == '"' || text.ptr[at] == '\'') ? text.ptr[at] : 0;

    if (quote) {
        size_t end = str_find_byte(str_part(text, at + 1, SIZE_MAX), quote);
        return end == SIZE_MAX ? text.len : at + 1 + end + 1;
    }
    if (to_the_end)
        return text.len;
    while (at < text.len && !is_blank(text.ptr[at]) && !memchr("&;,\"')}", text.ptr[at], 7))
        at++;
    return at;
}

// Masks [at, end), but keeps quotes around it.
static size_t
add_masked(struct buf *out, struct str text, size_t at, size_t end)
{
    bool quoted = end > at + 1 && (text.ptr[at] == '"' || text.ptr[at] == '\'') && text.ptr[end - 1] == text.ptr[at];

    if (quoted)
        buf_add_byte(out, text.ptr[at]);
    buf_add(out, mask);
    if (quoted)
        buf_add_byte(out, text.ptr[at]);
    return end;
}

// "scheme://user:password@host": from behind "://", adds the part up to the '@' without the password. Gives where the
// reading goes on.
static size_t
add_url_user(struct buf *out, struct str text, size_t at)
{
    size_t end = at;
    size_t user_end = SIZE_MAX;

    while (end < text.len && !is_blank(text.ptr[end]) && !memchr("/?#\"'", text.ptr[end], 5))
        end++;
    struct str authority = str_part(text, at, end - at);
    size_t host = str_find_last_byte(authority, '@');
    if (host == SIZE_MAX)
        return at;
    user_end = str_find_byte(str_part(authority, 0, host), ':');
    // A lone long user name is most likely an access token.
    if (user_end == SIZE_MAX) {
        buf_add(out, host >= 20 ? mask : str_part(authority, 0, host));
    } else {
        buf_add(out, str_part(authority, 0, user_end + 1));
        buf_add(out, mask);
    }
    return at + host;
}

// Behind the name that ends at `at`: '=' or ':' with a value? Gives where the value starts, or SIZE_MAX.
static size_t
value_start(struct str text, struct str name, size_t at, bool *header)
{
    size_t i = at;

    *header = false;
    if (i < text.len && (text.ptr[i] == '"' || text.ptr[i] == '\''))
        i++;
    if (i >= text.len || (text.ptr[i] != '=' && text.ptr[i] != ':'))
        return SIZE_MAX;
    bool colon = text.ptr[i] == ':';
    bool blank = i + 1 < text.len && is_blank(text.ptr[i + 1]);
    bool quoted = i > at || (i + 1 < text.len && (text.ptr[i + 1] == '"' || text.ptr[i + 1] == '\''));
    // "auth:latest" is an image and "key:value" anything; "pass:SECRET" is a password of OpenSSL.
    if (colon && !blank && !quoted && !contains_nocase(name, STR("pass")))
        return SIZE_MAX;
    *header = colon && blank && i == at;
    for (i++; colon && i < text.len && is_blank(text.ptr[i]);)
        i++;
    return i;
}

// Behind the option that ends at `at`: a blank and a value? For command lines inside one argument (sh -c "...").
static size_t
separate_value_start(struct str text, struct str name, size_t at)
{
    size_t i = at;

    if (!str_starts(name, STR("-")))
        return SIZE_MAX;
    while (i < text.len && is_blank(text.ptr[i]))
        i++;
    return i > at && i < text.len && text.ptr[i] != '-' ? i : SIZE_MAX;
}

// Adds the name that starts at `at`, and its value masked if it is a secret. Gives where the reading goes on.
static size_t
add_name(struct buf *out, struct str text, size_t at)
{
    size_t end = at;
    bool header = false;

    while (end < text.len && is_name_byte(text.ptr[end]))
        end++;
    struct str name = str_part(text, at, end - at);
    if (is_marked_token(name)) {
        buf_add(out, mask);
        return end;
    }
    buf_add(out, name);
    if (!is_secret_name(name))
        return end;
    size_t value = value_start(text, name, end, &header);
    bool to_the_end = header || at == 0;
    if (value == SIZE_MAX) {
        value = separate_value_start(text, name, end);
        to_the_end = false;
    }
    if (value == SIZE_MAX || value >= text.len)
        return end;
    buf_add(out, str_part(text, end, value - end));
    if (header && at > 0 && (text.ptr[at - 1] == '"' || text.ptr[at - 1] == '\'')) {
        size_t quote = str_find_byte(str_part(text, value, SIZE_MAX), text.ptr[at - 1]);
        return add_masked(out, text, value, quote == SIZE_MAX ? text.len : value + quote);
    }
    return add_masked(out, text, value, value_end(text, value, to_the_end));
}

static struct str
redact_text(struct arena *arena, struct str text)
{
    struct buf out = {.arena = arena};

    for (size_t i = 0; i < text.len;) {
        bool name_starts = is_name_byte(text.ptr[i]) && (i == 0 || !is_name_byte(text.ptr[i - 1]));
        if (name_starts) {
            i = add_name(&out, text, i);
            continue;
        }
        buf_add_byte(&out, text.ptr[i++]);
        if (i >= 3 && str_equal(str_part(text, i - 3, 3), STR("://")))
            i = add_url_user(&out, text, i);
    }
    return buf_str(&out);
}

static const struct program_option *
find_option(const struct reader *reader, struct str arg)
{
    if (arg.len < 2 || arg.ptr[0] != '-' || arg.ptr[1] == '-')
        return NULL;
    for (size_t i = 0; i < sizeof program_options / sizeof *program_options; i++) {
        const struct program_option *option = &program_options[i];
        bool docker = str_equal(option->program, STR("docker"));
        if (arg.ptr[1] == option->letter && str_starts(reader->program, option->program) && (!docker || reader->login))
            return option;
    }
    return NULL;
}

static struct str
mask_after_colon(struct arena *arena, struct str value)
{
    size_t colon = str_find_byte(value, ':');
    return colon == SIZE_MAX ? value : str_printf(arena, "%.*s***", (int)colon + 1, value.ptr);
}

// An argument that is nothing but a secret option's name: the next one is its value.
static bool
wants_value(struct str arg)
{
    if (!str_starts(arg, STR("-")) || !is_secret_name(arg))
        return false;
    for (size_t i = 0; i < arg.len; i++)
        if (!is_name_byte(arg.ptr[i]))
            return false;
    return true;
}

static struct str
redact_argument(struct reader *reader, struct str arg)
{
    const struct program_option *option = find_option(reader, arg);
    bool was_secret = reader->next_is_secret;
    bool after_colon = reader->next_after_colon;

    reader->next_is_secret = false;
    reader->next_after_colon = false;
    if (was_secret && !str_starts(arg, STR("-")))
        return after_colon ? mask_after_colon(reader->arena, arg) : mask;
    if (option && arg.len > 2 && option->attached) {
        struct str value = str_part(arg, 2, SIZE_MAX);
        struct str shown = option->after_colon ? mask_after_colon(reader->arena, value) : mask;
        return str_printf(reader->arena, "%.2s%.*s", arg.ptr, STR_ARG(shown));
    }
    if (option && arg.len == 2 && option->next) {
        reader->next_is_secret = true;
        reader->next_after_colon = option->after_colon;
        return arg;
    }
    if (str_equal(arg, STR("--user")) && str_equal(reader->program, STR("curl"))) {
        reader->next_is_secret = true;
        reader->next_after_colon = true;
        return arg;
    }
    reader->next_is_secret = wants_value(arg);
    reader->login = reader->login || str_equal(arg, STR("login"));
    return redact_text(reader->arena, arg);
}

struct str_list
redact_command(struct arena *arena, const struct str_list *command)
{
    struct reader reader = {.arena = arena};
    struct str_list out = {.count = 0};

    for (size_t i = 0; i < command->count; i++) {
        struct str arg = command->items[i];
        struct str name = str_base_name(arg);
        // "sudo -u app mysql -pSECRET": any argument may be the program that the options belong to.
        for (size_t k = 0; k < sizeof program_options / sizeof *program_options; k++)
            if (str_starts(name, program_options[k].program))
                reader.program = name;
        *LIST_ADD(arena, &out) = redact_argument(&reader, arg);
    }
    return out;
}

struct str
redact_line(struct arena *arena, struct str line)
{
    struct buf out = {.arena = arena};
    struct str_list words = {0};
    struct str word;

    while (str_word(&line, &word))
        *LIST_ADD(arena, &words) = word;
    words = redact_command(arena, &words);
    for (size_t i = 0; i < words.count; i++)
        buf_addf(&out, "%s%.*s", i > 0 ? " " : "", STR_ARG(words.items[i]));
    return buf_str(&out);
}

// The user's folder at the start of a path: "/home/ann", "/Users/ann", "C:\Users\ann", "/root"; its length, 0 if none.
static size_t
home_length(struct str path)
{
    static const struct str parents[] = {STR_INIT("/home/"), STR_INIT("/Users/"), STR_INIT(":\\Users\\")};

    if (str_equal(path, STR("/root")) || str_starts(path, STR("/root/")))
        return 5;
    for (size_t i = 0; i < sizeof parents / sizeof *parents; i++) {
        size_t drive = parents[i].ptr[0] == ':' && path.len > 0 ? 1 : 0;
        if (!str_starts(str_part(path, drive, SIZE_MAX), parents[i]))
            continue;
        size_t start = drive + parents[i].len;
        struct str rest = str_part(path, start, SIZE_MAX);
        size_t end = str_find_byte(rest, parents[i].ptr[parents[i].len - 1]);
        return end == SIZE_MAX ? path.len : start + end;
    }
    return 0;
}

struct str
redact_path(struct arena *arena, struct str path, struct str home)
{
    size_t length = home_length(path);

    if (home.len > 1 && str_starts(path, home) &&
        (path.len == home.len || path.ptr[home.len] == '/' || path.ptr[home.len] == '\\'))
        length = home.len;
    if (length == 0)
        return path;
    bool deeper = path.len > length + 1;
    return deeper ? str_printf(arena, "~%c...", path.ptr[length]) : STR("~");
}
