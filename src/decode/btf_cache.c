#include "decode/btf_cache.h"

#include "base/buf.h"

// What was cut short or changed by chance has another one (FNV-1a); nobody is to be kept from making it.
static void
add_sum(struct buf *out, struct str text)
{
    uint64_t sum = 0xCBF29CE484222325u;
    for (size_t i = 0; i < text.len; i++)
        sum = (sum ^ (unsigned char)text.ptr[i]) * 0x100000001B3u;
    buf_addf(out, "sum %016llx\n", (unsigned long long)sum);
}

struct str
btf_cache_write(struct arena *arena, struct str key, const struct btf_wish *wishes, size_t count)
{
    struct buf out = {.arena = arena};
    buf_addf(&out, "moorage layout 1 %.*s\n", STR_ARG(key));
    for (size_t i = 0; i < count; i++) {
        const struct btf_wish *wish = &wishes[i];
        buf_addf(&out, "%s %s %d %u %u %u %u\n", wish->type, wish->member ? wish->member : "-", (int)wish->found,
                 wish->offset, wish->bit, wish->bits, wish->size);
    }
    struct str text = str_copy(arena, buf_str(&out));
    add_sum(&out, text);
    return buf_str(&out);
}

static bool
read_number(struct str *line, uint64_t most, uint64_t *out)
{
    struct str word;
    str_cut(line, ' ', &word);
    return str_to_u64(word, 10, out) && *out <= most;
}

static bool
read_wish(struct str line, struct btf_wish *wish)
{
    struct str type;
    struct str member;
    uint64_t found;
    uint64_t offset;
    uint64_t bit;
    uint64_t bits;
    uint64_t size;
    str_cut(&line, ' ', &type);
    str_cut(&line, ' ', &member);
    if (!str_equal(type, str_of(wish->type)) || !str_equal(member, str_of(wish->member ? wish->member : "-")) ||
        !read_number(&line, 1, &found) || !read_number(&line, UINT32_MAX, &offset) || !read_number(&line, 7, &bit) ||
        !read_number(&line, UINT8_MAX, &bits) || !read_number(&line, UINT32_MAX, &size) || line.len)
        return false;
    wish->found = found;
    wish->offset = (uint32_t)offset;
    wish->bit = (uint8_t)bit;
    wish->bits = (uint8_t)bits;
    wish->size = (uint32_t)size;
    return true;
}

bool
btf_cache_read(struct arena *arena, struct str text, struct str key, struct btf_wish *wishes, size_t count)
{
    struct buf sum = {.arena = arena};
    struct str rest = text;
    struct str line;
    size_t end = str_find(text, STR("\nsum "));
    if (end == SIZE_MAX)
        return false;
    add_sum(&sum, str_part(text, 0, end + 1));
    str_cut(&rest, '\n', &line);
    if (!str_equal(str_part(text, end + 1, SIZE_MAX), buf_str(&sum)) ||
        !str_equal(line, str_printf(arena, "moorage layout 1 %.*s", STR_ARG(key))))
        return false;
    for (size_t i = 0; i < count; i++) {
        str_cut(&rest, '\n', &line);
        if (!read_wish(line, &wishes[i]))
            return false;
    }
    return str_starts(rest, STR("sum "));
}
