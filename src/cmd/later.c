#include "cmd/later.h"

const struct later later_items[] = {
    {"top", NULL, "`moorage --watch` shows the ports as they come and go."},
    {"ui", NULL, "`moorage --watch` shows the ports as they come and go."},
    {"scan", NULL, "`moorage` lists what listens here."},
    {"move", NULL, NULL},
    {"watch", NULL, "`moorage --watch` shows the ports as they come and go."},
    {"audit", NULL, "`moorage --json` lists what listens here, with warnings."},
    {"policy", NULL, NULL},
    {"lsp", NULL, NULL},
    {"mcp", NULL, "`moorage --json` answers programs."},
    {"agent", NULL, NULL},
    {"hub", NULL, NULL},
};

const size_t later_count = sizeof later_items / sizeof *later_items;

const struct later *
later_find(struct str word)
{
    for (size_t i = 0; i < later_count; i++) {
        if (str_equal(word, str_of(later_items[i].name)))
            return &later_items[i];
        struct str aliases = str_of(later_items[i].aliases);
        struct str alias;
        while (str_word(&aliases, &alias))
            if (str_equal(word, alias))
                return &later_items[i];
    }
    return NULL;
}

struct str
later_sentence(struct arena *arena, const struct later *later, struct str word)
{
    if (!later->meanwhile)
        return str_printf(arena, "'%.*s' is not yet part of this version", STR_ARG(word));
    return str_printf(arena, "'%.*s' is not yet part of this version. %s", STR_ARG(word), later->meanwhile);
}
