#include "decode/passwd.h"

static bool
parse_line(struct str line, struct str *name, uint32_t *uid)
{
    struct str password;
    struct str number;
    uint64_t value;
    if (!str_cut(&line, ':', name) || !name->len || !str_cut(&line, ':', &password) || !str_cut(&line, ':', &number))
        return false;
    // (uid_t)-1 means "nobody at all" to the kernel's calls and can be no user.
    if (!str_to_u64(number, 10, &value) || value >= UINT32_MAX)
        return false;
    *uid = (uint32_t)value;
    return true;
}

bool
passwd_name(struct str file, uint32_t uid, struct str *name)
{
    struct str line;
    struct str found;
    uint32_t number;
    while (str_cut(&file, '\n', &line)) {
        if (parse_line(line, &found, &number) && number == uid) {
            *name = found;
            return true;
        }
    }
    return false;
}

bool
passwd_uid(struct str file, struct str name, uint32_t *uid)
{
    struct str line;
    struct str found;
    uint32_t number;
    while (str_cut(&file, '\n', &line)) {
        if (parse_line(line, &found, &number) && str_equal(found, name)) {
            *uid = number;
            return true;
        }
    }
    return false;
}

bool
passwd_maps_all(struct str map)
{
    uint64_t all = 0;
    struct str line;

    while (map.len > 0) {
        struct str word;
        uint64_t count = 0;
        str_cut(&map, '\n', &line);
        if (str_word(&line, &word) && str_word(&line, &word) && str_word(&line, &word) &&
            str_to_u64(word, 10, &count) && count <= UINT32_MAX)
            all += count;
    }
    // The last number of all is no user: it means "leave it as it is" (setreuid(2)).
    return all >= UINT32_MAX;
}
