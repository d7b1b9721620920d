#include "core/holder_parts.h"

#include "core/known.h"

static void
warn(struct arena *arena, struct holder *holder, struct str sentence)
{
    str_list_add_new(arena, &holder->warnings, sentence);
}

static bool
starts_with_any(struct str text, const struct str *starts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text.len >= starts[i].len && str_equal_nocase(str_part(text, 0, starts[i].len), starts[i]))
            return true;
    return false;
}

#define STARTS_WITH_ANY(text, list) starts_with_any((text), (list), sizeof(list) / sizeof *(list))

static bool
has_part(struct str path, struct str part)
{
    for (size_t i = 0; i + part.len <= path.len; i++)
        if (str_equal_nocase(str_part(path, i, part.len), part))
            return true;
    return false;
}

// Whether the path goes through a folder of temporary files of Windows.
static bool
is_temporary_on_windows(struct str path)
{
    return has_part(path, STR("\\AppData\\Local\\Temp\\")) || has_part(path, STR("\\Windows\\Temp\\"));
}

static void
warn_of_exe(struct arena *arena, struct holder *holder)
{
    static const struct str open_places[] = {STR_INIT("/tmp/"), STR_INIT("/var/tmp/"), STR_INIT("/dev/shm/")};
    const struct process *process = holder->process;
    struct str exe = process->exe.value;

    if (process->exe.known != KNOWN_YES)
        return;
    // memfd_create(2): the link reads "/memfd:NAME (deleted)".
    if (str_starts(exe, STR("/memfd:"))) {
        warn(arena, holder, STR("It runs from memory: there is no file of its program on any disk."));
        return;
    }
    if (process->exe_state == EXE_DELETED)
        warn(arena, holder, str_printf(arena, "Its program file %.*s was deleted after it started.", STR_ARG(exe)));
    else if (process->exe_state == EXE_REPLACED)
        warn(arena, holder,
             str_printf(arena, "Its program file %.*s was replaced after it started: it still runs the old version.",
                        STR_ARG(exe)));
    if (has_part(exe, STR("\\Downloads\\")))
        warn(arena, holder, str_printf(arena, "It runs from where downloads are put: %.*s.", STR_ARG(exe)));
    if (STARTS_WITH_ANY(exe, open_places) || is_temporary_on_windows(exe))
        warn(arena, holder,
             str_printf(arena, "It runs from a place for temporary files, where every program may write: %.*s.",
                        STR_ARG(exe)));
}

// Who signed the program file, where the system knows such a thing.
static void
warn_of_signature(struct arena *arena, struct holder *holder)
{
    switch (holder->process->signature) {
    case SIGNATURE_NONE:
        warn(arena, holder, STR("Its program file is not signed: who made it can't be told."));
        break;
    case SIGNATURE_BROKEN:
        warn(arena, holder, STR("Its program file was changed after it was signed."));
        break;
    case SIGNATURE_DOUBTED:
        warn(arena, holder, STR("Its program file is signed by somebody whom this computer does not trust."));
        break;
    case SIGNATURE_GOOD:
    case SIGNATURE_UNKNOWN:
        break;
    }
}

// Windows may be on any drive.
static bool
is_at_home_on_windows(struct str exe)
{
    static const struct str homes[] = {STR_INIT(":\\Windows\\System32\\"),   STR_INIT(":\\Windows\\SysWOW64\\"),
                                       STR_INIT(":\\Windows\\explorer.exe"), STR_INIT(":\\Program Files\\"),
                                       STR_INIT(":\\Program Files (x86)\\"), STR_INIT(":\\ProgramData\\")};

    return STARTS_WITH_ANY(str_part(exe, 1, SIZE_MAX), homes);
}

// A name that people trust, on a file that is not where the system has it.
static void
warn_of_name(struct arena *arena, struct holder *holder)
{
    static const struct str trusted[] = {STR_INIT("systemd"),     STR_INIT("systemd-resolved"),
                                         STR_INIT("dbus-daemon"), STR_INIT("rsyslogd"),
                                         STR_INIT("login"),       STR_INIT("sudo"),
                                         STR_INIT("svchost"),     STR_INIT("lsass"),
                                         STR_INIT("csrss"),       STR_INIT("winlogon"),
                                         STR_INIT("wininit"),     STR_INIT("services"),
                                         STR_INIT("smss"),        STR_INIT("spoolsv"),
                                         STR_INIT("init"),        STR_INIT("agetty"),
                                         STR_INIT("system"),      STR_INIT("explorer"),
                                         STR_INIT("conhost"),     STR_INIT("dllhost"),
                                         STR_INIT("rundll32"),    STR_INIT("taskhostw"),
                                         STR_INIT("dwm"),         STR_INIT("fontdrvhost")};
    static const struct str homes[] = {STR_INIT("/usr/"),       STR_INIT("/bin/"),
                                       STR_INIT("/sbin/"),      STR_INIT("/lib/"),
                                       STR_INIT("/lib64/"),     STR_INIT("/opt/"),
                                       STR_INIT("/nix/store/"), STR_INIT("/gnu/store/"),
                                       STR_INIT("/snap/"),      STR_INIT("/run/current-system/")};
    struct str name = holder_program(arena, holder->process);
    struct str exe = holder->process->exe.value;
    bool known = known_is("remote-access", name) || known_is("scheduler", name) || known_is("service-manager", name);

    for (size_t i = 0; i < sizeof trusted / sizeof *trusted; i++)
        known = known || str_equal_nocase(trusted[i], name);
    if (!known || holder->process->exe.known != KNOWN_YES || exe.len == 0 || STARTS_WITH_ANY(exe, homes) ||
        is_at_home_on_windows(exe))
        return;
    warn(arena, holder,
         str_printf(arena, "It is called %.*s like a program of the system, but runs from %.*s.", STR_ARG(name),
                    STR_ARG(exe)));
}

static void
warn_of_state(struct arena *arena, struct holder *holder)
{
    const struct process *process = holder->process;

    if (process->state == 'T' && process->tty.len > 0)
        warn(arena, holder,
             str_printf(arena,
                        "It is stopped, a job of the terminal %.*s, and answers nobody; the command fg there "
                        "lets it go on.",
                        STR_ARG(process->tty)));
    else if (process->state == 'T')
        warn(arena, holder, STR("It is stopped and answers nobody."));
    else if (process->state == 't')
        warn(arena, holder, STR("A debugger holds it still, so it answers nobody."));
    else if (process->state == 'Z')
        warn(arena, holder, STR("Its first thread has ended, but others of its threads still run."));
}

// What is asked of a program once, for all of its sockets.
struct listener {
    struct str program;
    struct str script;
    bool for_others; // forwarders and service managers listen for somebody else
    bool local;      // such a program is usually open to its own host alone
};

static void
warn_of_socket(struct arena *arena, const struct socket_row *row, const struct listener *listener,
               struct holder *holder)
{
    enum protocol protocol = host_port_space(row->protocol);
    struct str usual = {0};

    if ((row->state != SOCKET_LISTEN && row->state != SOCKET_UNCONN) || listener->for_others)
        return;
    if (!known_is_usual_owner(arena, protocol, row->local_port, listener->script, &usual) &&
        !known_is_usual_owner(arena, protocol, row->local_port, listener->program, &usual) && usual.len > 0)
        warn(arena, holder,
             str_printf(arena, "Port %u usually belongs to %.*s.", (unsigned)row->local_port, STR_ARG(usual)));
    if (address_is_any(row->local) && row->netns == 0 && !holder->container && listener->local)
        warn(arena, holder,
             str_printf(arena,
                        "It can be reached from every network on port %u; such a program is usually open to this "
                        "computer alone.",
                        (unsigned)row->local_port));
}

void
holder_warn(struct arena *arena, const struct host *host, const struct lookup *holdings, struct holder *holder)
{
    size_t cursor = 0;
    size_t index;

    if (holder->process->kernel_thread)
        return;
    warn_of_exe(arena, holder);
    warn_of_name(arena, holder);
    warn_of_signature(arena, holder);
    warn_of_state(arena, holder);
    struct listener listener = {
        .program = holder_program(arena, holder->process),
        .script = holder_script(arena, holder->process),
        .for_others = holder->is_forwarder || holder_is(arena, holder->process, "service-manager") ||
                      holder_is(arena, holder->process, "forwarder"),
        .local = holder_is(arena, holder->process, "loopback-usual"),
    };
    while (lookup_next(holdings, holder->pid, &cursor, &index))
        warn_of_socket(arena, &host->sockets.items[host->holdings.items[index].socket], &listener, holder);
}
