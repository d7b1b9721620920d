#include "sys/neighbour.h"

#include "base/utf16.h"
#include "decode/neighbour_list.h"
#include "decode/registry.h"
#include "decode/wsl.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/registry_win.h"
#include "sys/term.h"
#include "sys/tool_win.h"
#include "sys/wide_win.h"

#define DISTRIBUTIONS "Software\\Microsoft\\Windows\\CurrentVersion\\Lxss"

enum {
    SETTINGS_LIMIT = 64 << 10
};

static struct wsl_settings
read_settings(struct arena *arena)
{
    struct wsl_settings settings = {.ignored.count = 0};
    struct str profile = term_environment("USERPROFILE", NULL);
    struct str text;
    if (profile.len > 0 && file_read(arena, str_printf(arena, "%.*s\\.wslconfig", STR_ARG(profile)).ptr, SETTINGS_LIMIT,
                                     true, &text, NULL))
        wsl_parse_settings(arena, text, &settings);
    return settings;
}

void
neighbour_identify(struct arena *arena, struct host *host)
{
    host->wsl_networking = read_settings(arena).networking;
}

// wsl.exe is on every Windows 11, and offers to install something where no distribution is. Each user has their own.
static void
list_installed(struct arena *arena, struct str_list *names)
{
    struct str_list keys = {.count = 0};
    registry_read_keys(arena, REGISTRY_USER, wide_from(arena, STR(DISTRIBUTIONS)), &keys, NULL);
    for (size_t i = 0; i < keys.count; i++) {
        struct registry_values values = {.count = 0};
        struct str path = str_printf(arena, DISTRIBUTIONS "\\%.*s", STR_ARG(keys.items[i]));
        registry_read_values(arena, REGISTRY_USER, wide_from(arena, path), &values, NULL);
        for (size_t k = 0; k < values.count; k++)
            if (str_equal_nocase(values.items[k].name, STR("DistributionName")))
                *LIST_ADD(arena, names) = utf16_to_utf8_z(arena, values.items[k].data);
    }
}

static unsigned
ms_until(int64_t end)
{
    int64_t left = (end - clock_mono_us()) / 1000;
    return left > 0 ? (unsigned)left : 0;
}

// Asked by name alone, so that nothing starts that does not run: one that ended since it was listed would, which no
// interface of WSL can prevent. As its root, who sees every program; Windows lets its user be that.
static bool
ask_one(struct arena *arena, struct str name, int64_t end, struct host *host, struct err *err)
{
    struct str_list words = tool_words(arena, STR("--distribution NAME --user root --exec sh -c SCRIPT"));
    struct str text;
    words.items[1] = name;
    words.items[words.count - 1] = neighbour_list_script();
    return tool_run(arena, "wsl.exe", &words, ms_until(end), &text, err) &&
           neighbour_list_parse(arena, text, str_printf(arena, "WSL %.*s", STR_ARG(name)), host, err);
}

// In mirrored mode these ports are not shared.
static void
leave_out_ignored(const struct wsl_settings *settings, size_t first, struct host *host)
{
    size_t kept = first;
    if (!str_equal(settings->networking, STR("mirrored")))
        return;
    for (size_t i = first; i < host->neighbour_ports.count; i++) {
        size_t k = 0;
        while (k < settings->ignored.count && settings->ignored.items[k] != host->neighbour_ports.items[i].port)
            k++;
        if (k == settings->ignored.count)
            host->neighbour_ports.items[kept++] = host->neighbour_ports.items[i];
    }
    host->neighbour_ports.count = kept;
}

bool
neighbour_read(struct arena *arena, unsigned deadline_ms, struct host *host, struct err *err)
{
    int64_t end = clock_mono_us() + (int64_t)deadline_ms * 1000;
    struct wsl_settings settings = read_settings(arena);
    struct str_list installed = {.count = 0};
    struct str_list running = {.count = 0};
    struct str_list words = tool_words(arena, STR("--list --running --quiet"));
    struct str text;
    struct err why = {0};
    size_t first = host->neighbour_ports.count;
    size_t failed = 0;
    list_installed(arena, &installed);
    if (installed.count == 0)
        return err_set(err, ERR_UNSUPPORTED, 0, "ask WSL who listens there: no distribution is installed");
    // Where none runs, it says so in a sentence and with an exit code that differs between versions.
    if (!tool_run(arena, "wsl.exe", &words, deadline_ms, &text, &why) && why.kind != ERR_SYSTEM)
        return err_set(err, why.kind, why.os, "%s", why.text);
    wsl_parse_running(arena, text, &installed, &running);
    for (size_t i = 0; i < running.count; i++)
        failed += !ask_one(arena, running.items[i], end, host, &why);
    leave_out_ignored(&settings, first, host);
    host->neighbours_known = KNOWN_YES;
    if (failed == 0)
        return true;
    // What the others told stays.
    host->neighbours_known = host_known_of(why.kind);
    return err_set(err, why.kind, why.os, "%s", why.text);
}
