#include "sys/owner_kernel_linux.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/proc_view_linux.h"
#include "sys/thread_linux.h"
#include "sys/user.h"

#define LOG_SIZE (64u << 10)

// A process that was forked from this one has one of its own.
static struct {
    struct owner_session session;
    struct owner_layout layout;
    pid_t process;
    size_t wanted; // what the set is made for
    bool laid_out;
    bool open;
    bool refused; // it could not be opened: it is not tried again
} kernel;

// The run ahead of a question. Until it ended, its thread alone has what stands above.
static struct {
    pthread_t thread;
    size_t room;
    size_t wanted;
    bool runs;
    bool found; // what it found was not taken yet
} ahead;

static void
wait_for_end(void)
{
    if (ahead.runs)
        pthread_join(ahead.thread, NULL);
    ahead.runs = false;
}

// Whether the kernel has bpf_loop().
static bool
has_loops(void)
{
    struct utsname names;
    uint64_t major;
    uint64_t minor;
    struct str head;
    if (uname(&names) != 0)
        return false;
    struct str rest = str_of(names.release);
    if (!str_cut(&rest, '.', &head) || !str_to_u64(head, 10, &major))
        return false;
    return major > 5 || (major == 5 && str_to_u64(str_part(rest, 0, str_digits(rest)), 10, &minor) && minor >= 17);
}

// What was let in stays in.
static bool
is_open(void)
{
    return kernel.open && kernel.process == getpid();
}

bool
owner_kernel_takes_programs(struct str *why)
{
    const char *most = getenv("MOORAGE_TIER");
    wait_for_end();
    if (most && strcmp(most, "proc") == 0) {
        *why = STR("MOORAGE_TIER is set to proc");
        return false;
    }
    if (is_open())
        return true;
    if (sizeof(void *) != 8) {
        *why = STR("only on 64-bit kernels");
        return false;
    }
    const char *missing = user_self().kernel_refuses;
    if (missing) {
        *why = str_of(missing);
        return false;
    }
    if (access("/sys/kernel/btf/vmlinux", R_OK) != 0) {
        *why = STR("this kernel does not tell its types (/sys/kernel/btf/vmlinux)");
        return false;
    }
    return true;
}

bool
owner_kernel_is_allowed(struct str *why_not)
{
    struct str ignored = {0};
    struct str *why = why_not ? why_not : &ignored;
    if (!owner_kernel_takes_programs(why))
        return false;
    if (is_open())
        return true;
    if (!has_loops()) {
        *why = STR("it takes Linux 5.17 or later");
        return false;
    }
    if (kernel.refused) {
        *why = STR("it was refused before");
        return false;
    }
    // Who is told by number must be the same in /proc.
    if (!proc_view_has_own_numbers()) {
        *why = STR("/proc shows the processes of another container, or none");
        return false;
    }
    return true;
}

// The last line of the kernel's log that says something of the program, not of the work that it was.
static struct str
reason_in(struct arena *arena, const char *log)
{
    struct str rest = str_of(log);
    struct str reason = {0};
    size_t end;
    while ((end = str_find_byte(rest, '\n')) != SIZE_MAX) {
        struct str line = str_part(rest, 0, end);
        if (line.len && memcmp(line.ptr, "processed", line.len < 9 ? line.len : 9) != 0)
            reason = line;
        rest = str_part(rest, end + 1, SIZE_MAX);
    }
    return str_copy(arena, reason);
}

static bool
learn(struct arena *arena, struct str *why_not)
{
    if (!kernel.laid_out)
        kernel.laid_out = owner_layout_read(arena, &kernel.layout, why_not);
    if (kernel.laid_out && !kernel.layout.upid_size && proc_view_is_inside()) {
        *why_not = STR("it does not tell the numbers that processes have in this container");
        return false;
    }
    return kernel.laid_out;
}

bool
owner_kernel_try(struct arena *arena, struct str *why_not)
{
    struct owner_session session;
    struct str lockdown;
    char *log = arena_alloc(arena, LOG_SIZE);
    if (!owner_kernel_is_allowed(why_not) || !learn(arena, why_not))
        return false;
    bool good = owner_session_open(&kernel.layout, 1, 1, true, NULL, 0, &session) &&
                owner_session_run(&session, OWNER_RUN_FILES);
    owner_session_close(&session);
    if (good)
        return true;
    int error = session.error;
    const char *step = session.step;
    // Of a program that was taken the log says nothing that matters.
    if (session.program < 0) {
        if (owner_session_open(&kernel.layout, 1, 1, true, log, LOG_SIZE, &session))
            log[0] = '\0';
        owner_session_close(&session);
    }
    struct str reason = reason_in(arena, log);
    if (file_read(arena, "/sys/kernel/security/lockdown", 256, false, &lockdown, NULL) &&
        str_find(lockdown, STR("[confidentiality]")) != SIZE_MAX)
        reason = STR("the kernel is locked down (lockdown=confidentiality)");
    *why_not = str_printf(arena, "%s: %s%s%.*s", step, error ? strerror(error) : "not all could be read",
                          reason.len ? ", " : "", STR_ARG(reason));
    return false;
}

const struct owner_layout *
owner_kernel_layout(struct arena *arena)
{
    struct str why_not;
    return owner_kernel_is_allowed(NULL) && learn(arena, &why_not) ? &kernel.layout : NULL;
}

static struct owner_session *
open_session(size_t room, size_t wanted, bool all)
{
    if (is_open() && kernel.session.room >= room && kernel.wanted >= wanted && kernel.session.all >= all)
        return &kernel.session;
    // What was asked for before is asked for again.
    if (is_open()) {
        room = room > kernel.session.room ? room : kernel.session.room;
        wanted = wanted > kernel.wanted ? wanted : kernel.wanted;
    }
    if (kernel.open)
        owner_session_close(&kernel.session);
    kernel.process = getpid();
    kernel.wanted = wanted;
    kernel.open = owner_session_open(&kernel.layout, room, wanted, all, NULL, 0, &kernel.session);
    if (kernel.open)
        return &kernel.session;
    owner_session_close(&kernel.session);
    kernel.refused = true;
    return NULL;
}

struct owner_session *
owner_kernel_open(struct arena *arena, size_t room, size_t wanted, bool all)
{
    return owner_kernel_layout(arena) ? open_session(room, wanted, all || proc_view_is_inside()) : NULL;
}

static void *
run_ahead(void *unused)
{
    (void)unused;
    struct owner_session *session = open_session(ahead.room, ahead.wanted, true);
    if (session && session->layout.listen_slot && session->layout.udp) {
        owner_session_want_none(session);
        ahead.found = owner_session_run(session, OWNER_RUN_SERVERS) && session->state->count <= session->room;
    }
    return NULL;
}

void
owner_kernel_begin(struct arena *arena, size_t room, size_t wanted)
{
    if (!owner_kernel_layout(arena))
        return;
    ahead.room = room;
    ahead.wanted = wanted;
    ahead.found = false;
    ahead.runs = thread_start(&ahead.thread, run_ahead, NULL) == 0;
}

bool
owner_kernel_runs_ahead(void)
{
    return ahead.runs;
}

const struct owner_session *
owner_kernel_ahead(void)
{
    wait_for_end();
    bool found = ahead.found && is_open();
    ahead.found = false;
    return found ? &kernel.session : NULL;
}
