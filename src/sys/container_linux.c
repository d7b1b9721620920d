#include "sys/container.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decode/unix_table.h"
#include "sys/clock.h"
#include "sys/container_stream_linux.h"
#include "sys/file.h"

#define TABLE_LIMIT (32u << 20)

// A place where an API socket may be.
struct candidate {
    struct str path;
    uint32_t uid;     // whose daemon it is
    bool may_be_unit; // systemd may listen there in the daemon's place
};

struct candidate_list {
    LIST_OF(struct candidate);
};

// A daemon that runs: which one, and whose.
struct daemon {
    bool podman;
    uint32_t uid;
};

struct daemon_list {
    LIST_OF(struct daemon);
    bool searched;
};

static bool
is_podman(struct str path)
{
    return str_find(path, STR("podman")) != SIZE_MAX;
}

// /var/run is a link to /run on every system that these daemons run on, and systemd writes either.
static struct str
without_var(struct str path)
{
    return str_starts(path, STR("/var/run/")) ? str_part(path, 4, path.len) : path;
}

static void
add_candidate(struct arena *arena, struct candidate_list *list, struct str path, uint32_t uid, bool may_be_unit)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_equal(without_var(list->items[i].path), without_var(path)))
            return;
    }
    *LIST_ADD(arena, list) = (struct candidate){.path = path, .uid = uid, .may_be_unit = may_be_unit};
}

// What the user named is asked even if that starts the daemon: the user's own client would do the same.
static void
add_named(struct arena *arena, struct candidate_list *list, const char *variable)
{
    struct str value = str_of(getenv(variable));
    struct str scheme = STR("unix://");
    if (!str_starts(value, scheme))
        return;
    char real[PATH_MAX];
    if (realpath(str_c(arena, str_part(value, scheme.len, value.len)), real))
        add_candidate(arena, list, str_copy(arena, str_of(real)), geteuid(), false);
}

static void
add_runtime_folder(struct arena *arena, struct candidate_list *list, struct str folder, uint32_t uid)
{
    add_candidate(arena, list, str_printf(arena, "%.*s/docker.sock", STR_ARG(folder)), uid, true);
    add_candidate(arena, list, str_printf(arena, "%.*s/podman/podman.sock", STR_ARG(folder)), uid, true);
}

// The folders of users that are logged in, for root alone: others may not connect there.
static void
add_users(struct arena *arena, struct candidate_list *list)
{
    DIR *folder = opendir("/run/user");
    if (!folder)
        return;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        uint64_t uid;
        if (str_to_u64(str_of(entry->d_name), 10, &uid) && uid <= UINT32_MAX)
            add_runtime_folder(arena, list, str_printf(arena, "/run/user/%s", entry->d_name), (uint32_t)uid);
    }
    closedir(folder);
}

static void
list_candidates(struct arena *arena, struct candidate_list *list)
{
    struct str home = str_of(getenv("HOME"));
    struct str runtime = str_of(getenv("XDG_RUNTIME_DIR"));
    add_named(arena, list, "DOCKER_HOST");
    add_named(arena, list, "CONTAINER_HOST");
    add_runtime_folder(arena, list, STR("/run"), 0);
    if (str_starts(runtime, STR("/")))
        add_runtime_folder(arena, list, runtime, geteuid());
    if (geteuid() == 0)
        add_users(arena, list);
    if (str_starts(home, STR("/"))) {
        // Docker Desktop listens there itself.
        add_candidate(arena, list, str_printf(arena, "%.*s/.docker/run/docker.sock", STR_ARG(home)), geteuid(), false);
        add_candidate(arena, list, str_printf(arena, "%.*s/.docker/desktop/docker.sock", STR_ARG(home)), geteuid(),
                      false);
    }
}

// "podman system service" is the API; any other podman is a person's command.
static bool
is_podman_service(struct arena *arena, const char *pid)
{
    struct str command;
    if (!file_read(arena, str_printf(arena, "/proc/%s/cmdline", pid).ptr, 4096, false, &command, NULL))
        return false;
    struct str word;
    bool system = false;
    while (str_cut(&command, '\0', &word)) {
        if (system && str_equal(word, STR("service")))
            return true;
        system = str_equal(word, STR("system"));
    }
    return false;
}

static void
search_daemons(struct arena *arena, struct daemon_list *daemons)
{
    DIR *processes = opendir("/proc");
    daemons->searched = true;
    if (!processes)
        return;
    for (struct dirent *entry = readdir(processes); entry; entry = readdir(processes)) {
        char path[32];
        char name[17];
        struct stat owner;
        uint64_t pid;
        struct str digits = str_of(entry->d_name);
        if (digits.len > 10 || !str_to_u64(digits, 10, &pid))
            continue;
        // Not through the arena: there may be thousands of processes, and two of them matter.
        memcpy(path, digits.ptr, digits.len);
        memcpy(path + digits.len, "/comm", sizeof "/comm");
        int fd = openat(dirfd(processes), path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        ssize_t got = read(fd, name, sizeof name);
        close(fd);
        struct str comm = str_trim((struct str){name, got < 0 ? 0 : (size_t)got});
        bool docker = str_equal(comm, STR("dockerd"));
        if (!docker && !(str_equal(comm, STR("podman")) && is_podman_service(arena, entry->d_name)))
            continue;
        if (fstatat(dirfd(processes), entry->d_name, &owner, 0) == 0)
            *LIST_ADD(arena, daemons) = (struct daemon){.podman = !docker, .uid = owner.st_uid};
    }
    closedir(processes);
}

// Whether asking at `candidate` wakes nobody. systemd holds the socket of a daemon that it would start on the first
// connection, and the table of unix sockets looks the same in both cases. So where systemd may be the one who listens, one
// of these must show the daemon itself: a connection at this path that was accepted (systemd never accepts for it), or a
// process of the daemon's name that belongs to the socket's user.
static bool
is_alive(struct arena *arena, const struct candidate *candidate, struct str table, struct daemon_list *daemons)
{
    struct unix_row row;
    bool listens = false;
    bool accepted = false;
    while (unix_table_next(&table, &row)) {
        if (!str_equal(without_var(row.path), without_var(candidate->path)))
            continue;
        listens = listens || row.listens;
        accepted = accepted || row.connected;
    }
    if (!listens)
        return false;
    if (accepted || !candidate->may_be_unit)
        return true;
    if (!daemons->searched)
        search_daemons(arena, daemons);
    for (size_t i = 0; i < daemons->count; i++) {
        if (daemons->items[i].podman == is_podman(candidate->path) && daemons->items[i].uid == candidate->uid)
            return true;
    }
    return false;
}

void
container_endpoints(struct arena *arena, struct container_endpoint_list *out)
{
    struct candidate_list candidates = {.count = 0};
    struct daemon_list daemons = {.count = 0};
    struct str table;
    // Of this network namespace only. A daemon in another one could be reached by its path, but nothing would tell
    // whether it lives.
    if (!file_read(arena, "/proc/net/unix", TABLE_LIMIT, true, &table, NULL))
        return;
    list_candidates(arena, &candidates);
    for (size_t i = 0; i < candidates.count; i++) {
        const struct candidate *item = &candidates.items[i];
        if (is_alive(arena, item, table, &daemons))
            *LIST_ADD(arena, out) = (struct container_endpoint){
                .runtime = is_podman(item->path) ? STR("podman") : STR("docker"), .path = item->path};
    }
}

bool
container_ask(struct arena *arena, struct container_endpoint endpoint, struct str request, unsigned deadline_ms,
              struct str *answer, struct err *err)
{
    struct http_answer parsed;
    struct local_stream stream;
    int64_t end = clock_mono_us() + (int64_t)deadline_ms * 1000;
    bool good = container_stream_open(&stream, arena, endpoint.path, STR("GET"), request, end, err) &&
                container_stream_receive(&stream, end, &parsed, err);
    if (good)
        *answer = buf_str(&stream.bytes);
    local_stream_close(&stream);
    return good;
}
