#include "sys/container.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "decode/http.h"
#include "decode/unix_table.h"
#include "sys/clock.h"
#include "sys/file.h"

#define ANSWER_LIMIT (16u << 20)
#define TABLE_LIMIT (32u << 20)
#define PIECE 65536u

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

static bool
fail(struct err *err, int error, struct str path)
{
    enum err_kind kind = error == EACCES || error == EPERM          ? ERR_NOT_ALLOWED
                         : error == ENOENT || error == ECONNREFUSED ? ERR_GONE
                                                                    : ERR_SYSTEM;
    return err_set(err, kind, (unsigned long)error, "ask %.*s: %s", STR_ARG(path), strerror(error));
}

static bool
late(struct err *err, struct str path)
{
    return err_set(err, ERR_TIMEOUT, 0, "ask %.*s: no answer in time", STR_ARG(path));
}

// Until `fd` can be read (written) or the time is up.
static bool
wait_for(int fd, short events, int64_t end, struct str path, struct err *err)
{
    for (;;) {
        int64_t left = end - clock_mono_us();
        if (left <= 0)
            return late(err, path);
        struct pollfd item = {.fd = fd, .events = events};
        // Rounded up, so that the last part of a millisecond is not spent turning in circles.
        int ready = poll(&item, 1, (int)((left + 999) / 1000));
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return fail(err, errno, path);
    }
}

static bool
connect_to(int fd, struct str path, int64_t end, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path.len >= sizeof address.sun_path)
        return fail(err, ENAMETOOLONG, path);
    memcpy(address.sun_path, path.ptr, path.len);
    // A full queue is EAGAIN at once, and no event tells when there is room (unix(7)).
    while (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        if (errno != EAGAIN && errno != EINTR)
            return fail(err, errno, path);
        if (clock_mono_us() >= end)
            return late(err, path);
        clock_sleep_ms(5);
    }
    return true;
}

static bool
send_request(int fd, struct str bytes, int64_t end, struct str path, struct err *err)
{
    while (bytes.len > 0) {
        ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes = str_part(bytes, (size_t)sent, bytes.len);
        } else if (errno == EAGAIN) {
            if (!wait_for(fd, POLLOUT, end, path, err))
                return false;
        } else if (errno != EINTR) {
            return fail(err, errno, path);
        }
    }
    return true;
}

static bool
receive(struct arena *arena, int fd, int64_t end, struct str path, struct str *answer, struct err *err)
{
    struct buf bytes = {.arena = arena};
    struct http_answer parsed;
    enum http_state state = HTTP_MORE;
    while (state == HTTP_MORE) {
        if (bytes.len >= ANSWER_LIMIT)
            return err_set(err, ERR_FORMAT, 0, "ask %.*s: the answer is too long", STR_ARG(path));
        if (!wait_for(fd, POLLIN, end, path, err))
            return false;
        ssize_t got = recv(fd, buf_room(&bytes, PIECE), PIECE, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (got < 0)
            return fail(err, errno, path);
        bytes.len += (size_t)got;
        state = http_parse(arena, buf_str(&bytes), got == 0, &parsed);
    }
    if (state == HTTP_BROKEN)
        return err_set(err, ERR_FORMAT, 0, "ask %.*s: what came is no whole HTTP answer", STR_ARG(path));
    *answer = buf_str(&bytes);
    return true;
}

bool
container_ask(struct arena *arena, struct container_endpoint endpoint, struct str request, unsigned deadline_ms,
              struct str *answer, struct err *err)
{
    bool good = false;
    int64_t end = clock_mono_us() + (int64_t)deadline_ms * 1000;
    struct str text = str_printf(arena,
                                 "GET %.*s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: moorage/" MOORAGE_VERSION
                                 "\r\nAccept: application/json\r\nConnection: close\r\n\r\n",
                                 STR_ARG(request));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        fail(err, errno, endpoint.path);
        goto out;
    }
    if (!connect_to(fd, endpoint.path, end, err) || !send_request(fd, text, end, endpoint.path, err))
        goto out;
    good = receive(arena, fd, end, endpoint.path, answer, err);
out:
    if (fd >= 0)
        close(fd);
    return good;
}
