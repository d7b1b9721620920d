#include "core/holder_parts.h"

#include <assert.h>

#include "base/buf.h"
#include "core/known.h"
#include "decode/forwarder.h"

enum {
    COMM_LENGTH = 15 // what Linux keeps of a name (TASK_COMM_LEN - 1)
};

// How people call a program that starts others.
struct title {
    struct str name;
    struct str title;
};

static const struct title titles[] = {
    {STR_INIT("code"), STR_INIT("Visual Studio Code")},
    {STR_INIT("code-server"), STR_INIT("code-server")},
    {STR_INIT("code-insiders"), STR_INIT("Visual Studio Code")},
    {STR_INIT("cursor"), STR_INIT("Cursor")},
    {STR_INIT("idea"), STR_INIT("IntelliJ IDEA")},
    {STR_INIT("webstorm"), STR_INIT("WebStorm")},
    {STR_INIT("pycharm"), STR_INIT("PyCharm")},
    {STR_INIT("goland"), STR_INIT("GoLand")},
    {STR_INIT("rider"), STR_INIT("Rider")},
    {STR_INIT("zed"), STR_INIT("Zed")},
    {STR_INIT("devenv"), STR_INIT("Visual Studio")},
};

// Programs that run the steps of a build on a server; no class of core/known.h, since only their title is wanted.
static const struct title builders[] = {
    {STR_INIT("runner.worker"), STR_INIT("GitHub Actions")},
    {STR_INIT("runner.listener"), STR_INIT("GitHub Actions")},
    {STR_INIT("gitlab-runner"), STR_INIT("GitLab CI")},
    {STR_INIT("buildkite-agent"), STR_INIT("Buildkite")},
    {STR_INIT("act_runner"), STR_INIT("Gitea Actions")},
    {STR_INIT("forgejo-runner"), STR_INIT("Forgejo Actions")},
    {STR_INIT("woodpecker-agent"), STR_INIT("Woodpecker CI")},
    {STR_INIT("drone-runner-docker"), STR_INIT("Drone CI")},
    {STR_INIT("agent.worker"), STR_INIT("Azure Pipelines")},
    {STR_INIT("jenkins"), STR_INIT("Jenkins")},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct str
title_of(const struct title *list, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal_nocase(list[i].name, name))
            return list[i].title;
    return STR("");
}

static struct str
without_end(struct str text, struct str end)
{
    if (text.len <= end.len || !str_equal_nocase(str_part(text, text.len - end.len, SIZE_MAX), end))
        return text;
    return str_part(text, 0, text.len - end.len);
}

static struct str
first_argument(const struct process *process)
{
    return process->command.count > 0 ? process->command.items[0] : STR("");
}

// Node.js names its first thread, and with it the process.
static bool
is_thread_name(struct str name)
{
    return str_equal(name, STR("MainThread")) || str_equal(name, STR("node-MainThread"));
}

struct str
holder_program(struct arena *arena, const struct process *process)
{
    struct str name = process->name;
    struct str exe = str_base_name(process->exe.value);
    struct str argument = first_argument(process);
    struct str head;

    // A login shell is called "-bash"; a program may write more than its path there.
    if (str_starts(argument, STR("-")))
        argument = str_part(argument, 1, SIZE_MAX);
    if (str_cut(&argument, ' ', &head))
        argument = str_base_name(head);
    if (name.len == 0 || is_thread_name(name))
        name = exe.len > 0 ? exe : argument.len > 0 ? argument : name;
    else if (name.len == COMM_LENGTH && str_starts(exe, name))
        name = exe;
    else if (name.len == COMM_LENGTH && str_starts(argument, name))
        name = argument;
    // "tmux: server", "npm run dev": some put a title where their name belongs.
    size_t colon = str_find(name, STR(": "));
    size_t blank = str_find_byte(name, ' ');
    if (colon != SIZE_MAX && colon > 0)
        name = str_part(name, 0, colon);
    else if (blank != SIZE_MAX && (known_is("task-runner", str_lower(arena, str_part(name, 0, blank))) ||
                                   str_equal(exe, str_part(name, 0, blank))))
        name = str_part(name, 0, blank);
    return without_end(name, STR(".exe"));
}

bool
holder_needs_command(const struct process *process)
{
    struct str name = process->name;

    return name.len == 0 || name.len >= COMM_LENGTH || is_thread_name(name) || str_find_byte(name, ' ') != SIZE_MAX ||
           forwarder_may_be(name);
}

// The file name of a script without its kind: "nodemon" of "/usr/lib/node_modules/nodemon/bin/nodemon.js".
static struct str
script_name(struct str path)
{
    static const struct str kinds[] = {STR_INIT(".js"), STR_INIT(".cjs"), STR_INIT(".mjs"), STR_INIT(".py"),
                                       STR_INIT(".rb"), STR_INIT(".pl"),  STR_INIT(".php"), STR_INIT(".sh")};
    struct str name = str_base_name(path);

    for (size_t i = 0; i < COUNT(kinds); i++)
        name = without_end(name, kinds[i]);
    return without_end(name, STR("-cli"));
}

struct str
holder_script(struct arena *arena, const struct process *process)
{
    struct str program = str_lower(arena, holder_program(arena, process));

    if (!known_is("interpreter", program))
        return program;
    for (size_t i = 1; i < process->command.count; i++) {
        struct str argument = process->command.items[i];
        // "python3 -m gunicorn"; "-c" and "-e" bring the program itself, which has no name.
        if (str_equal(argument, STR("-c")) || str_equal(argument, STR("-e")))
            break;
        if (argument.len > 0 && argument.ptr[0] != '-')
            return str_lower(arena, script_name(argument));
    }
    return program;
}

bool
holder_is(struct arena *arena, const struct process *process, const char *class_name)
{
    return known_is(class_name, str_lower(arena, holder_program(arena, process))) ||
           known_is(class_name, holder_script(arena, process));
}

struct str
holder_name(struct arena *arena, const struct holder *holder)
{
    struct str name = holder->process ? holder_program(arena, holder->process) : STR("");

    return name.len > 0 ? name : str_printf(arena, "pid %u", (unsigned)holder->pid);
}

// A word that can stand in a sentence: what may hold a secret or a path does not.
static bool
is_plain_word(struct str word)
{
    return word.len > 0 && word.len <= 32 && word.ptr[0] != '-' && str_is_plain(word, STR("-_:."));
}

// "npm run dev" of "node /usr/bin/npm run dev" and of the title that npm gives itself.
static struct str
task_label(struct arena *arena, const struct process *process)
{
    struct str runner = holder_script(arena, process);
    struct buf label = {.arena = arena};
    struct str_list words = {0};
    struct str word;
    bool found = false;
    int taken = 0;

    for (size_t i = 0; i < process->command.count; i++) {
        struct str rest = process->command.items[i];
        while (str_word(&rest, &word))
            *LIST_ADD(arena, &words) = word;
    }
    buf_add(&label, runner);
    for (size_t i = 0; i < words.count && taken < 2; i++) {
        if (!found) {
            found = str_equal(str_lower(arena, script_name(words.items[i])), runner);
            continue;
        }
        if (!is_plain_word(words.items[i]))
            break;
        buf_add_byte(&label, ' ');
        buf_add(&label, words.items[i]);
        taken++;
    }
    return buf_str(&label);
}

bool
holder_is_builder(struct arena *arena, const struct process *process)
{
    return title_of(builders, COUNT(builders), holder_program(arena, process)).len > 0;
}

static struct str
editor_title(struct arena *arena, const struct process *process)
{
    struct str name = holder_program(arena, process);
    // JetBrains' 64-bit programs say so in their names.
    struct str title = title_of(titles, COUNT(titles), without_end(name, STR("64")));

    return title.len > 0 ? title : name;
}

// Where a shell runs in that people would name: "tmux", "ssh", an editor; empty if it is just a shell.
static struct str
surroundings(struct arena *arena, const struct process *process)
{
    struct str name = str_lower(arena, holder_program(arena, process));

    if (str_equal(name, STR("tmux")) || str_equal(name, STR("screen")) || str_equal(name, STR("zellij")))
        return str_printf(arena, " in %.*s", STR_ARG(name));
    if (holder_is(arena, process, "remote-access"))
        return STR(" over ssh");
    if (holder_is(arena, process, "editor"))
        return str_printf(arena, " in %.*s", STR_ARG(editor_title(arena, process)));
    return STR("");
}

// What the process surely stands for by itself; empty: go on to its parent.
static struct str
origin_of(struct arena *arena, const struct process *process)
{
    struct str name = holder_program(arena, process);
    struct str builder = title_of(builders, COUNT(builders), name);

    if (builder.len > 0)
        return builder;
    if (holder_is(arena, process, "task-runner"))
        return task_label(arena, process);
    if (holder_is(arena, process, "supervisor"))
        return holder_script(arena, process);
    if (holder_is(arena, process, "scheduler"))
        return known_is("scheduler", str_lower(arena, name)) && !str_equal(name, STR("crond")) ? str_lower(arena, name)
                                                                                               : STR("cron");
    if (holder_is(arena, process, "editor"))
        return editor_title(arena, process);
    if (holder_is(arena, process, "desktop"))
        return STR("the desktop");
    return STR("");
}

static bool
is_word_of(const struct str *words, size_t count, struct str word)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal_nocase(words[i], word))
            return true;
    return false;
}

// A shell that runs one command for somebody else ("sh -c ...", "cmd /c ...") started nothing on its own account. Editors
// start their terminals with a command as well, and let the shell go on after it.
static bool
is_shell_of_person(struct arena *arena, const struct process *process)
{
    static const struct str stays[] = {STR_INIT("-noexit"), STR_INIT("/k")};
    static const struct str leaves[] = {STR_INIT("-c"), STR_INIT("-command"), STR_INIT("-file"),
                                        STR_INIT("-encodedcommand")};
    bool person = process->command_known == KNOWN_YES;

    if (!holder_is(arena, process, "shell"))
        return false;
    for (size_t i = 1; i < process->command.count; i++) {
        struct str word = process->command.items[i];
        if (is_word_of(stays, COUNT(stays), word))
            return person;
        if (!str_starts(word, STR("-")) || is_word_of(leaves, COUNT(leaves), word))
            person = false;
    }
    return person;
}

// What the ancestry from `at` on says; `shell`: a shell of a person stands below, and only what is around it counts.
static struct str
guess(struct arena *arena, struct holder_origins *origins, const struct holder *holder, size_t at, bool shell)
{
    if (at == holder->ancestry.count)
        return shell ? STR("a shell") : STR("");
    const struct process *process = holder->ancestry.items[at];
    uint64_t key = (uint64_t)process->pid << 1 | shell;
    size_t known = lookup_find(&origins->known, key);
    if (known != SIZE_MAX)
        return origins->items[known];

    struct str origin = shell ? surroundings(arena, process) : origin_of(arena, process);
    if (origin.len == 0)
        origin = guess(arena, origins, holder, at + 1, shell || is_shell_of_person(arena, process));
    else if (shell)
        origin = str_printf(arena, "a shell%.*s", STR_ARG(origin));
    lookup_add(&origins->known, key, origins->count);
    *LIST_ADD(arena, origins) = origin;
    return origin;
}

void
holder_guess_origin(struct arena *arena, struct holder_origins *origins, struct holder *holder)
{
    holder->started_by = guess(arena, origins, holder, 0, false);
    if (holder->started_by.len > 0)
        return;
    if (holder->runtime.len > 0)
        holder->started_by = holder->runtime;
    else if (str_ends(holder->unit, STR(".service")))
        holder->started_by = holder->service ? holder->service->manager : STR("systemd");
}

// "node --watch server.js" starts its program again by itself.
static bool
watches_files(const struct process *process)
{
    for (size_t i = 1; i < process->command.count; i++)
        if (str_equal(process->command.items[i], STR("--watch")) ||
            str_equal(process->command.items[i], STR("--reload")))
            return true;
    return false;
}

bool
holder_is_beyond(struct arena *arena, const struct process *process)
{
    return is_shell_of_person(arena, process) || holder_is(arena, process, "remote-access") ||
           holder_is(arena, process, "editor") || holder_is(arena, process, "scheduler");
}

static bool
is_policy(struct str policy)
{
    return policy.len > 0 && !str_equal(policy, STR("no"));
}

// Whether the unit is about this very program: what a person started in a terminal that a service brought is not.
static bool
unit_is_its_own(const struct holder *holder)
{
    if (!holder->service || holder->service->is_socket)
        return false;
    if (holder->service->main_pid == holder->pid)
        return true;
    for (size_t i = 0; holder->process->tty.len == 0 && i < holder->ancestry.count; i++)
        if (holder->ancestry.items[i]->pid == holder->service->main_pid)
            return true;
    return false;
}

// "sh -c 'while true; do node server.js; done'"
static bool
loops(struct arena *arena, const struct process *process)
{
    bool script = false;

    if (!holder_is(arena, process, "shell"))
        return false;
    for (size_t i = 1; i < process->command.count; i++) {
        struct str argument = process->command.items[i];
        if (script && (str_find(argument, STR("while ")) != SIZE_MAX || str_find(argument, STR("until ")) != SIZE_MAX ||
                       str_find(argument, STR("for ((")) != SIZE_MAX))
            return true;
        // "-lc" too
        script = script || (argument.len > 1 && argument.ptr[0] == '-' && argument.ptr[1] != '-' &&
                            argument.ptr[argument.len - 1] == 'c');
    }
    return false;
}

static bool
same_command(const struct process *one, const struct process *other)
{
    if (one->command.count == 0 || one->command.count != other->command.count)
        return false;
    for (size_t i = 0; i < one->command.count; i++)
        if (!str_equal(one->command.items[i], other->command.items[i]))
            return false;
    return true;
}

// Whether it only runs the one below it and ends with that: what is further up waits for the holder all the same.
static bool
passes_on(struct arena *arena, const struct process *process, const struct process *holder)
{
    return holder_is(arena, process, "shell") || holder_is(arena, process, "task-runner") ||
           same_command(process, holder);
}

const struct process *
holder_supervisor_process(struct arena *arena, const struct holder *holder, bool *many)
{
    // A loop far above, such as that of a build server's script, goes round for something else.
    bool direct = true;

    for (size_t i = 0; holder->process && i < holder->ancestry.count; i++) {
        const struct process *process = holder->ancestry.items[i];
        assert(process);
        if (holder_is(arena, process, "supervisor") || watches_files(process) || (direct && loops(arena, process))) {
            if (many)
                *many = holder_is(arena, process, "supervisor-of-many");
            return process;
        }
        if (holder_is_beyond(arena, process))
            break;
        direct = direct && passes_on(arena, process, holder->process);
    }
    return NULL;
}

static struct str
supervisor_name(struct arena *arena, const struct process *process)
{
    if (holder_is(arena, process, "supervisor"))
        return holder_script(arena, process);
    if (watches_files(process))
        return str_printf(arena, "%.*s --watch", STR_ARG(holder_program(arena, process)));
    return str_printf(arena, "a loop in %.*s", STR_ARG(holder_program(arena, process)));
}

struct str
holder_supervisor(struct arena *arena, const struct holder *holder)
{
    const struct container *container = holder->container ? holder->container : holder->forwards;

    if (container && is_policy(container->restart))
        return str_printf(arena, "%.*s (restart policy %.*s)", STR_ARG(container->runtime),
                          STR_ARG(container->restart));
    if (!holder->process)
        return STR("");
    const struct process *process = holder_supervisor_process(arena, holder, NULL);
    if (process)
        return supervisor_name(arena, process);
    if (unit_is_its_own(holder) && is_policy(holder->service->restart))
        return str_printf(arena, "%.*s (Restart=%.*s)", STR_ARG(holder->service->manager),
                          STR_ARG(holder->service->restart));
    return STR("");
}
