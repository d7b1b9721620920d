#include "sys/state_dir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

static char folder[] = "/tmp/moorage-state-XXXXXX";

static void
begin(void)
{
    memcpy(folder, "/tmp/moorage-state-XXXXXX", sizeof folder);
    CHECK(mkdtemp(folder));
    setenv("MOORAGE_STATE_DIR", folder, 1);
}

static void
end(struct arena *arena)
{
    unlink(str_printf(arena, "%s/log", folder).ptr);
    unlink(str_printf(arena, "%s/elsewhere", folder).ptr);
    rmdir(folder);
    unsetenv("MOORAGE_STATE_DIR");
}

TEST(lines_come_back_in_their_order)
{
    struct str text = {0};
    struct err err = {0};
    struct stat facts = {0};
    begin();
    bool none = !state_dir_read(arena, "log", 4096, &text, &err) && err.kind == ERR_GONE;
    bool good = state_dir_append(arena, "log", STR("one"), NULL) && state_dir_append(arena, "log", STR("two"), NULL) &&
                state_dir_read(arena, "log", 4096, &text, NULL) &&
                stat(str_printf(arena, "%s/log", folder).ptr, &facts) == 0;
    end(arena);
    CHECK(none && good);
    CHECK_STR(text, "one\ntwo\n");
    CHECK_INT(facts.st_mode & 0777, 0600);
}

TEST(a_file_that_is_too_long_gives_its_last_whole_lines)
{
    struct str text = {0};
    begin();
    state_dir_append(arena, "log", STR("0123456789"), NULL);
    state_dir_append(arena, "log", STR("abc"), NULL);
    bool good = state_dir_read(arena, "log", 8, &text, NULL);
    end(arena);
    CHECK(good);
    CHECK_STR(text, "abc\n");
}

TEST(a_torn_line_spoils_no_other)
{
    struct str text = {0};
    begin();
    int fd = open(str_printf(arena, "%s/log", folder).ptr, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    bool good = write(fd, "whole\nha", 8) == 8;
    close(fd);
    good = good && state_dir_append(arena, "log", STR("next"), NULL) && state_dir_read(arena, "log", 4096, &text, NULL);
    end(arena);
    CHECK(good);
    CHECK_STR(text, "whole\nha\nnext\n");
}

TEST(nothing_is_written_through_a_link_or_into_a_pipe)
{
    struct str text = {0};
    struct err err = {0};
    begin();
    const char *log = str_printf(arena, "%s/log", folder).ptr;
    const char *elsewhere = str_printf(arena, "%s/elsewhere", folder).ptr;
    bool linked = symlink(elsewhere, log) == 0 && !state_dir_append(arena, "log", STR("x"), &err) &&
                  !state_dir_read(arena, "log", 10, &text, &err) && access(elsewhere, F_OK) != 0;
    unlink(log);
    bool piped = mkfifo(log, 0600) == 0 && !state_dir_append(arena, "log", STR("x"), &err) && err.kind == ERR_FORMAT;
    end(arena);
    CHECK(linked && piped);
}

TEST(many_writers_lose_no_line)
{
    enum {
        WRITERS = 8,
        LINES = 50,
    };
    struct str text = {0};
    struct str line;
    size_t whole = 0;
    begin();
    fflush(stdout);
    for (int i = 0; i < WRITERS; i++)
        if (fork() == 0) {
            for (int k = 0; k < LINES; k++)
                if (!state_dir_append(arena, "log", STR("a line that is not torn"), NULL))
                    _exit(1);
            _exit(0);
        }
    bool good = true;
    for (int i = 0; i < WRITERS; i++) {
        int status = 1;
        wait(&status);
        good = good && status == 0;
    }
    good = good && state_dir_read(arena, "log", 1 << 20, &text, NULL);
    end(arena);
    while (text.len > 0 && str_cut(&text, '\n', &line))
        whole += str_equal(line, STR("a line that is not torn"));
    CHECK(good);
    CHECK_INT(whole, WRITERS * LINES);
}

TEST(the_place_follows_the_environment)
{
    struct str path = {0};
    struct err err = {0};
    char *home = getenv("HOME");
    struct str old = str_copy(arena, str_of(home));
    setenv("XDG_STATE_HOME", "/x/state", 1);
    CHECK(state_dir_path(arena, &path, NULL));
    CHECK_STR(path, "/x/state/moorage");
    setenv("XDG_STATE_HOME", "relative", 1);
    setenv("HOME", "/home/ann", 1);
    CHECK(state_dir_path(arena, &path, NULL));
    CHECK_STR(path, "/home/ann/.local/state/moorage");
    setenv("MOORAGE_STATE_DIR", "/s", 1);
    CHECK(state_dir_path(arena, &path, NULL));
    CHECK_STR(path, "/s");
    unsetenv("MOORAGE_STATE_DIR");
    unsetenv("HOME");
    bool none = !state_dir_path(arena, &path, &err) && !state_dir_append(arena, "log", STR("x"), &err) &&
                !state_dir_read(arena, "log", 10, &path, &err);
    unsetenv("XDG_STATE_HOME");
    if (home)
        setenv("HOME", old.ptr, 1);
    CHECK(none);
    CHECK_INT(err.kind, ERR_UNSUPPORTED);
}

TEST(a_place_that_cant_be_made_is_refused)
{
    struct err err = {0};
    setenv("MOORAGE_STATE_DIR", "/dev/null/moorage", 1);
    bool good = state_dir_append(arena, "log", STR("x"), &err);
    unsetenv("MOORAGE_STATE_DIR");
    CHECK(!good);
    CHECK_INT(err.kind, ERR_GONE);
}

TAP_MAIN
