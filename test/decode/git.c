#include "tap.h"

#include "decode/git.h"

#define COMMIT "0123456789abcdef0123456789abcdef01234567"

// The branch, "@" and the commit when detached, or "(none)".
static struct str
head(struct arena *arena, const char *text)
{
    struct str branch;
    bool detached = false;
    if (!git_parse_head(str_of(text), &branch, &detached))
        return STR("(none)");
    return detached ? str_printf(arena, "@%.*s", STR_ARG(branch)) : branch;
}

TEST(branch_is_read)
{
    CHECK_STR(head(arena, "ref: refs/heads/main\n"), "main");
    CHECK_STR(head(arena, "ref: refs/heads/feature/ports-8080\n"), "feature/ports-8080");
    CHECK_STR(head(arena, "ref:\trefs/heads/main  \n"), "main");
    CHECK_STR(head(arena, "ref: refs/heads/ümläut\n"), "ümläut");
    CHECK_STR(head(arena, "ref: refs/remotes/origin/x"), "refs/remotes/origin/x");
}

TEST(commit_is_shortened)
{
    CHECK_STR(head(arena, COMMIT "\n"), "@0123456789ab");
    CHECK_STR(head(arena, COMMIT "0123456789abcdef01234567"), "@0123456789ab");
}

TEST(nothing_else_comes_out_of_a_head)
{
    static const char *const bad[] = {
        "",
        "\n",
        "ref:",
        "ref: ",
        "ref: main",
        "ref: refs/heads/",
        "ref: refs/heads/.invalid",
        "ref: refs/heads/a/.b",
        "ref: refs/heads/a..b",
        "ref: refs/heads/a/",
        "ref: refs/heads/a.lock",
        "ref: refs/heads/a b",
        "ref: refs/heads/a\nroot:x:0:0",
        "ref: refs/heads/\033[31m",
        "ref: refs/heads/a\177",
        "ref: refs/heads/a~1",
        "ref: /etc/shadow",
        "0123456789abcdef",
        COMMIT "0",
        "g123456789abcdef0123456789abcdef01234567",
        "root:x:0:0:root:/root:/bin/bash",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_STR(head(arena, bad[i]), "(none)");
}

TEST(link_names_the_repository)
{
    struct str path;
    CHECK(git_parse_link(STR("gitdir: /home/ann/shop/.git/worktrees/fix\n"), &path));
    CHECK_STR(path, "/home/ann/shop/.git/worktrees/fix");
    CHECK(git_parse_link(STR("gitdir: ../.git/modules/lib with blank"), &path));
    CHECK_STR(path, "../.git/modules/lib with blank");
    CHECK(!git_parse_link(STR(""), &path));
    CHECK(!git_parse_link(STR("gitdir:"), &path));
    CHECK(!git_parse_link(STR("gitdir: a\nb"), &path));
    CHECK(!git_parse_link(STR("gitdir: a\0b"), &path));
    CHECK(!git_parse_link(STR("/home/ann"), &path));
}

static struct str
way(struct arena *arena, const char *from, const char *to)
{
    struct str out;
    return git_way(arena, str_of(from), str_of(to), &out) ? out : STR("(none)");
}

TEST(way_leads_from_one_folder_to_another)
{
    CHECK_STR(way(arena, "/home/ann/fix", "/home/ann/shop/.git/worktrees/fix"), "../shop/.git/worktrees/fix");
    CHECK_STR(way(arena, "/home/ann/shop/lib", "../.git/modules/lib"), "../.git/modules/lib");
    CHECK_STR(way(arena, "/", "/a"), "a");
    CHECK_STR(way(arena, "/a", "/"), "..");
    CHECK_STR(way(arena, "/a/b", "/a/b"), ".");
    CHECK_STR(way(arena, "/a/./b//", "/../../a/c"), "../c");
    CHECK_STR(way(arena, "/a", "../../../x"), "../x");
}

TEST(way_without_a_start_or_an_end_in_sight_is_none)
{
    char deep[300] = "";
    for (size_t i = 0; i < 140; i += 2)
        memcpy(deep + i, "/a", 3);
    CHECK_STR(way(arena, "relative", "/a"), "(none)");
    CHECK_STR(way(arena, "", "/a"), "(none)");
    CHECK_STR(way(arena, deep, "/a"), "(none)");
    CHECK_STR(way(arena, "/a", deep), "(none)");
    deep[2 * 63] = '\0';
    CHECK_STR(way(arena, deep, deep + 1), "(none)");
    CHECK_STR(way(arena, "/b/b", deep), "(none)");
}

TAP_MAIN
