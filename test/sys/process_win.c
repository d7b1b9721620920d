#include "sys/process.h"

#include "player_win.h"

#include "sys/calls_win.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/user.h"

static struct process
read_facts(struct arena *arena, uint32_t pid, unsigned facts)
{
    struct process process;
    process_read(arena, pid, facts, &process);
    return process;
}

// A folder that the test may fill, below the temporary one; with a backslash at its end.
static struct str
make_folder(struct arena *arena)
{
    static unsigned count;
    wchar_t temporary[MAX_PATH];
    GetTempPathW(MAX_PATH, temporary);
    struct str folder = str_printf(arena, "%.*smoorage %lu-%u \xc3\xa4\\", STR_ARG(wide_to_z(arena, temporary)),
                                   GetCurrentProcessId(), ++count);
    CHECK(CreateDirectoryW(wide_from(arena, folder), NULL));
    return folder;
}

// Ends the test's own folder with all that is in it.
static void
remove_folder(struct arena *arena, struct str folder)
{
    WIN32_FIND_DATAW entry;
    HANDLE find = FindFirstFileW(wide_from(arena, str_printf(arena, "%.*s*", STR_ARG(folder))), &entry);
    for (BOOL more = find != INVALID_HANDLE_VALUE; more; more = FindNextFileW(find, &entry)) {
        struct str name = wide_to_z(arena, entry.cFileName);
        struct str path = str_printf(arena, "%.*s%.*s", STR_ARG(folder), STR_ARG(name));
        if (str_equal(name, STR(".")) || str_equal(name, STR("..")))
            continue;
        if (entry.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY)
            remove_folder(arena, str_printf(arena, "%.*s\\", STR_ARG(path)));
        else
            DeleteFileW(wide_from(arena, path));
    }
    FindClose(find);
    RemoveDirectoryW(wide_from(arena, folder));
}

static struct str
in(struct arena *arena, struct str folder, const char *name)
{
    return str_printf(arena, "%.*s%s", STR_ARG(folder), name);
}

static void
put(struct arena *arena, struct str path, const char *text)
{
    struct err err = {0};
    CHECK(file_write(arena, path, str_of(text), &err));
}

static void
make(struct arena *arena, struct str path)
{
    CHECK(CreateDirectoryW(wide_from(arena, path), NULL));
}

// A player in a folder.
static struct player
start_in(struct arena *arena, struct str folder)
{
    struct player player;
    wchar_t line[1024];
    swprintf(line, 1024, L"\"%ls\" wait", player_path());
    player = player_run(player_path(), line, wide_from(arena, folder));
    CHECK_STR(player_line(arena, &player), "ready");
    return player;
}

// All facts of a player in this folder.
static struct process
read_in(struct arena *arena, struct str folder)
{
    struct player player = start_in(arena, folder);
    struct process process = read_facts(arena, player.pid, PROCESS_ALL);
    player_end(&player);
    CHECK_INT(process.known, KNOWN_YES);
    return process;
}

TEST(own_process_is_known)
{
    struct process process = read_facts(arena, process_self(), PROCESS_ALL);
    struct str path = wide_to_z(arena, player_path());
    CHECK_INT(process.known, KNOWN_YES);
    CHECK_INT(process.pid, GetCurrentProcessId());
    CHECK(str_equal(process.name, str_base_name(path)));
    CHECK_INT(process.exe.known, KNOWN_YES);
    CHECK(str_equal(process.exe.value, path));
    CHECK_INT(process.exe_state, EXE_PRESENT);
    CHECK_INT(process.command_known, KNOWN_YES);
    CHECK_INT(process.command.count, 1);
    CHECK_INT(process.cwd.known, KNOWN_YES);
    CHECK(process.uid_known && process.uid == user_self().uid);
    CHECK_STR(process.user.value, str_c(arena, user_name(arena, process.uid)));
    CHECK_INT(process.cgroup.known, KNOWN_UNSUPPORTED);
    CHECK(process.session_known && process.same_netns && !process.kernel_thread && !process.critical);
    CHECK(process.state == 'S' || process.state == 'R');
}

TEST(command_line_is_taken_apart)
{
    wchar_t line[1024];
    swprintf(line, 1024, L"\"%ls\" wait \"a b\" --x=\\\"q\\\" c:\\d\\ gr\u00fc\u00df\u20ac \"\"", player_path());
    struct player player = player_run(player_path(), line, NULL);
    CHECK_STR(player_line(arena, &player), "ready");
    struct process process = read_facts(arena, player.pid, PROCESS_COMMAND);
    player_end(&player);
    CHECK_INT(process.command_known, KNOWN_YES);
    CHECK_INT(process.command.count, 7);
    CHECK(str_equal(process.command.items[0], wide_to_z(arena, player_path())));
    CHECK_STR(process.command.items[2], "a b");
    CHECK_STR(process.command.items[3], "--x=\"q\"");
    CHECK_STR(process.command.items[4], "c:\\d\\");
    CHECK_STR(process.command.items[5], "gr\xc3\xbc\xc3\x9f\xe2\x82\xac");
    CHECK_STR(process.command.items[6], "");
}

TEST(folder_parent_and_start_are_told)
{
    struct str folder = make_folder(arena);
    int64_t before = clock_wall_ms();
    struct process process = read_in(arena, folder);
    struct process self = read_facts(arena, process_self(), PROCESS_BASIC);
    remove_folder(arena, folder);
    CHECK_STR(process.cwd.value, str_c(arena, str_part(folder, 0, folder.len - 1)));
    CHECK_INT(process.ppid, GetCurrentProcessId());
    CHECK(process.started_known && process.started_ms >= before - 100 && process.started_ms <= clock_wall_ms() + 100);
    CHECK(self.started_ticks != 0 && self.started_ticks <= process.started_ticks);
    CHECK_INT(process.session, self.session);
}

TEST(root_of_a_drive_keeps_its_backslash)
{
    CHECK_STR(read_in(arena, STR("C:\\")).cwd.value, "C:\\");
}

TEST(only_what_is_asked_is_read)
{
    struct player player = start_in(arena, STR("C:\\"));
    struct process process = read_facts(arena, player.pid, PROCESS_BASIC);
    struct process image = read_facts(arena, player.pid, PROCESS_IMAGE);
    player_end(&player);
    CHECK_INT(process.known, KNOWN_YES);
    CHECK_INT(process.command_known, KNOWN_NOT_ASKED);
    CHECK_INT(process.exe.known, KNOWN_NOT_ASKED);
    CHECK_INT(process.cwd.known, KNOWN_NOT_ASKED);
    CHECK_INT(process.git_root.known, KNOWN_NOT_ASKED);
    CHECK_INT(process.user.known, KNOWN_NOT_ASKED);
    CHECK_INT(process.cgroup.known, KNOWN_NOT_ASKED);
    CHECK_INT(process.company.known, KNOWN_NOT_ASKED);
    CHECK(process.uid_known);
    CHECK_INT(image.exe.known, KNOWN_NOT_ASKED);
    CHECK_INT(image.exe_state, EXE_UNKNOWN);
    CHECK_INT(image.company.known, KNOWN_YES);
}

TEST(a_process_is_opened_once_and_the_list_read_once)
{
    struct player player = start_in(arena, STR("C:\\"));
    (void)read_facts(arena, player.pid, PROCESS_BASIC);
    struct calls before = calls_made;
    (void)read_facts(arena, player.pid, PROCESS_ALL);
    (void)read_facts(arena, process_self(), PROCESS_BASIC);
    player_end(&player);
    CHECK_INT(calls_made.processes_opened - before.processes_opened, 2);
    CHECK_INT(calls_made.process_lists, before.process_lists);
    CHECK_INT(calls_made.handle_scans, before.handle_scans);
}

TEST(process_that_is_not_there_is_gone)
{
    CHECK_INT(read_facts(arena, 0x7ffffffc, PROCESS_ALL).known, KNOWN_GONE);
    CHECK_INT(read_facts(arena, UINT32_MAX, PROCESS_ALL).known, KNOWN_GONE);
}

TEST(process_that_ended_is_gone_although_it_was_there_a_moment_ago)
{
    struct player player = start_in(arena, STR("C:\\"));
    CHECK_INT(read_facts(arena, player.pid, PROCESS_BASIC).known, KNOWN_YES);
    CloseHandle(player.in);
    bool ended = WaitForSingleObject(player.process, 60000) == WAIT_OBJECT_0;
    // Its handle is open still, and keeps its pid from being another's.
    struct process process = read_facts(arena, player.pid, PROCESS_ALL);
    CloseHandle(player.process);
    CHECK(ended);
    CHECK_INT(process.known, KNOWN_GONE);
    CHECK_INT(process.pid, player.pid);
}

// A copy of this program that runs in a folder of its own, so that its file can be moved.
static struct player
start_copy(struct arena *arena, struct str path)
{
    wchar_t line[1024];
    CHECK(CopyFileW(player_path(), wide_from(arena, path), TRUE));
    swprintf(line, 1024, L"\"%ls\" wait", wide_from(arena, path));
    struct player player = player_run(wide_from(arena, path), line, NULL);
    CHECK_STR(player_line(arena, &player), "ready");
    return player;
}

TEST(program_whose_file_was_moved_away_or_replaced_is_told)
{
    struct str folder = make_folder(arena);
    struct str path = in(arena, folder, "server.exe");
    struct str old = in(arena, folder, "server.old");
    struct player player = start_copy(arena, path);
    struct process present = read_facts(arena, player.pid, PROCESS_EXE);
    CHECK(MoveFileW(wide_from(arena, path), wide_from(arena, old)));
    struct process moved = read_facts(arena, player.pid, PROCESS_EXE | PROCESS_IMAGE);
    clock_sleep_ms(1500);
    put(arena, path, "another program");
    struct process replaced = read_facts(arena, player.pid, PROCESS_EXE | PROCESS_IMAGE);
    player_end(&player);
    remove_folder(arena, folder);
    CHECK_STR(present.exe.value, str_c(arena, path));
    CHECK_INT(present.exe_state, EXE_PRESENT);
    // Where Windows follows the file, the program is where that is now.
    if (str_equal(moved.exe.value, old))
        SKIP("the system follows the file of a program");
    CHECK_INT(moved.exe_state, EXE_DELETED);
    CHECK_INT(moved.company.known, KNOWN_GONE);
    CHECK_INT(replaced.exe_state, EXE_REPLACED);
    CHECK_INT(replaced.signer.known, KNOWN_GONE);
}

TEST(unsigned_program_without_a_maker_says_so)
{
    struct process process = read_in(arena, STR("C:\\"));
    CHECK_INT(process.company.known, KNOWN_YES);
    CHECK_STR(process.company.value, "");
    CHECK_STR(process.product.value, "");
    CHECK_INT(process.signature, SIGNATURE_NONE);
    CHECK_INT(process.signer.known, KNOWN_YES);
    CHECK_STR(process.signer.value, "");
}

TEST(branch_of_the_current_folder_is_read)
{
    struct str folder = make_folder(arena);
    make(arena, in(arena, folder, ".git"));
    make(arena, in(arena, folder, "src"));
    make(arena, in(arena, folder, "src\\deep"));
    put(arena, in(arena, folder, ".git\\HEAD"), "ref: refs/heads/main\n");
    struct process top = read_in(arena, folder);
    struct process deep = read_in(arena, in(arena, folder, "src\\deep"));
    // A linked work tree, by an absolute and by a relative path, and one whose repository is gone.
    make(arena, in(arena, folder, "fix"));
    make(arena, in(arena, folder, ".git\\worktrees"));
    make(arena, in(arena, folder, ".git\\worktrees\\fix"));
    put(arena, in(arena, folder, ".git\\worktrees\\fix\\HEAD"), "ref: refs/heads/fix\n");
    put(arena, in(arena, folder, "fix\\.git"),
        str_c(arena, str_printf(arena, "gitdir: %.*s.git/worktrees/fix\n", STR_ARG(folder))));
    struct process absolute = read_in(arena, in(arena, folder, "fix"));
    put(arena, in(arena, folder, "fix\\.git"), "gitdir: ../.git/worktrees/fix\n");
    struct process relative = read_in(arena, in(arena, folder, "fix"));
    put(arena, in(arena, folder, "fix\\.git"), "gitdir: ../.git/worktrees/none\n");
    struct process lost = read_in(arena, in(arena, folder, "fix"));
    put(arena, in(arena, folder, "fix\\.git"), "gitdir: \\\\server\\share\\repository\n");
    struct process remote = read_in(arena, in(arena, folder, "fix"));
    char *root = str_c(arena, str_part(folder, 0, folder.len - 1));
    remove_folder(arena, folder);
    CHECK_STR(top.git_root.value, root);
    CHECK_STR(top.git_branch.value, "main");
    CHECK_STR(deep.git_root.value, root);
    CHECK_STR(deep.git_branch.value, "main");
    CHECK_STR(absolute.git_root.value, str_c(arena, in(arena, folder, "fix")));
    CHECK_STR(absolute.git_branch.value, "fix");
    CHECK_STR(relative.git_branch.value, "fix");
    CHECK_STR(lost.git_root.value, str_c(arena, in(arena, folder, "fix")));
    CHECK_INT(lost.git_branch.known, KNOWN_GONE);
    CHECK_INT(remote.git_branch.known, KNOWN_UNSUPPORTED);
}

TEST(folder_without_a_repository_has_none)
{
    struct process process = read_in(arena, STR("C:\\"));
    CHECK_INT(process.git_root.known, KNOWN_YES);
    CHECK_STR(process.git_root.value, "");
    CHECK_STR(process.git_branch.value, "");
}

TEST(critical_process_of_the_system_is_told)
{
    struct process system = read_facts(arena, 4, PROCESS_ALL);
    // Wine has no such process.
    if (system.known == KNOWN_GONE)
        SKIP("there is no process 4 here");
    CHECK_STR(system.name, "System");
    CHECK(system.critical && system.kernel_thread);
    CHECK_INT(system.command_known, KNOWN_UNSUPPORTED);
    CHECK_INT(system.exe.known, KNOWN_UNSUPPORTED);
    CHECK_INT(system.uid, 0);
}

TEST(processes_that_end_while_they_are_read_are_gone)
{
    for (int i = 0; i < 20; i++) {
        struct arena *own = arena_open();
        wchar_t line[1024];
        swprintf(line, 1024, L"\"%ls\" end", player_path());
        struct player player = player_run(player_path(), line, NULL);
        struct process process = read_facts(own, player.pid, PROCESS_ALL);
        bool good = process.pid == player.pid && (process.known == KNOWN_GONE || process.known == KNOWN_YES) &&
                    (process.known == KNOWN_GONE || process.ppid == GetCurrentProcessId());
        player_end(&player);
        arena_close(own);
        CHECK(good);
    }
}

static int
play(struct arena *arena, int count, wchar_t **words)
{
    (void)arena;
    (void)count;
    if (wcscmp(words[0], L"wait") == 0)
        player_ready("ready");
    return 0;
}

PLAYER_MAIN
