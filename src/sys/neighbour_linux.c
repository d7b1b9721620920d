#include "sys/neighbour.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decode/neighbour_list.h"
#include "decode/wsl.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/neighbour_linux.h"
#include "sys/spawn.h"

enum {
    WORD_LIMIT = 4096,
    LIST_LIMIT = 16 << 20,
    MODE_MS = 300,
    NO_PROGRAM = 127, // what a shell says
};

static const char *root = "";

void
neighbour_use_root(const char *folder)
{
    root = folder;
}

static bool
is_there(struct arena *arena, const char *path)
{
    struct stat facts;
    return stat(str_printf(arena, "%s%s", root, path).ptr, &facts) == 0;
}

static struct str
read_word(struct arena *arena, const char *path)
{
    struct str text;
    return file_read(arena, str_printf(arena, "%s%s", root, path).ptr, WORD_LIMIT, true, &text, NULL) ? text : STR("");
}

// Whether a Windows program can be started from here: the kernel hands it to WSL (binfmt_misc), unless that is switched
// off in wsl.conf. Newer versions register under the second name once systemd has cleared the list.
static bool
has_interop(struct arena *arena)
{
    return str_starts(read_word(arena, "/proc/sys/fs/binfmt_misc/WSLInterop"), STR("enabled")) ||
           str_starts(read_word(arena, "/proc/sys/fs/binfmt_misc/WSLInterop-late"), STR("enabled"));
}

void
neighbour_identify(struct arena *arena, struct host *host)
{
    struct wsl_signs signs = {.kernel = read_word(arena, "/proc/sys/kernel/osrelease"),
                              .named = getenv("WSL_DISTRO_NAME") != NULL};
    // Elsewhere nothing more is looked at.
    if (!signs.named && !wsl_is_kernel(signs.kernel))
        return;
    signs.run_folder = is_there(arena, "/run/WSL");
    signs.interop = has_interop(arena);
    host->wsl = wsl_version(&signs);
}

// Looks for moorage.exe in the folders that follow, and becomes the first one.
static const char search[] = "for d do [ -f \"$d/moorage.exe\" ] && [ -x \"$d/moorage.exe\" ] && exec "
                             "\"$d/moorage.exe\" list --json; done; exit 127";

// Those of PATH, which WSL extends by that of Windows, and the one that this program is in. Folders of Windows may be on a
// drive that does not answer: so that not even looking there can last, the one who looks is another process.
static struct str_list
search_words(struct arena *arena)
{
    struct str_list words = {.count = 0};
    struct str path = str_of(getenv("PATH"));
    struct str folder;
    char self[PATH_MAX];
    static const struct str first[] = {
        STR_INIT("/bin/sh"), STR_INIT("-c"), {search, sizeof search - 1}, STR_INIT("sh")};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        *LIST_ADD(arena, &words) = first[i];
    // Not the current folder, where anybody may have put one.
    while (str_cut(&path, ':', &folder))
        if (str_starts(folder, STR("/")))
            *LIST_ADD(arena, &words) = folder;
    ssize_t got = readlink("/proc/self/exe", self, sizeof self);
    struct str own = {self, got < 0 ? 0 : (size_t)got};
    size_t slash = str_find_last_byte(own, '/');
    if (slash != SIZE_MAX)
        *LIST_ADD(arena, &words) = str_copy(arena, str_part(own, 0, slash));
    return words;
}

static struct str
read_networking(struct arena *arena, unsigned deadline_ms)
{
    struct str argv[] = {str_printf(arena, "%s/usr/bin/wslinfo", root), STR("--networking-mode")};
    struct spawn_answer answer;
    unsigned ms = deadline_ms < MODE_MS ? deadline_ms : MODE_MS;
    if (!spawn_read(arena, argv, 2, ms, WORD_LIMIT, &answer, NULL) || answer.code != 0)
        return STR("");
    return wsl_parse_networking(arena, answer.out);
}

bool
neighbour_read(struct arena *arena, unsigned deadline_ms, struct host *host, struct err *err)
{
    int64_t end = clock_mono_us() + (int64_t)deadline_ms * 1000;
    struct spawn_answer answer;
    if (host->wsl.len == 0)
        return err_set(err, ERR_UNSUPPORTED, 0, "ask Windows who listens there: this is no WSL");
    if (host->wsl_networking.len == 0)
        host->wsl_networking = read_networking(arena, deadline_ms);
    if (!has_interop(arena))
        return err_set(err, ERR_UNSUPPORTED, 0,
                       "ask Windows who listens there: Windows programs can't be started from here");
    struct str_list words = search_words(arena);
    int64_t left = (end - clock_mono_us()) / 1000;
    if (!spawn_read(arena, words.items, words.count, left > 0 ? (unsigned)left : 0, LIST_LIMIT, &answer, err))
        return err_prefix(err, "ask Windows who listens there");
    if (answer.code == NO_PROGRAM)
        return err_set(err, ERR_GONE, 0, "ask Windows who listens there: moorage.exe is not in PATH");
    if (!neighbour_list_parse(arena, answer.out, STR("Windows"), host, err))
        return false;
    host->neighbours_known = KNOWN_YES;
    return true;
}
