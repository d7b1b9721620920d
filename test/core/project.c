#include "core/project.h"

#include "sys/fake_host.h"
#include "tap.h"

static struct str
found(struct arena *arena, const char *folder, const char *paths)
{
    struct str out;

    CHECK(fake_host_load(STR("{\"schema\": \"moorage.snapshot/1\", \"platform\": \"linux\"}"), NULL));
    fake_host_environment("MOORAGE_FAKE_FOLDER", folder);
    fake_host_environment("MOORAGE_FAKE_PATHS", paths);
    CHECK(project_find(arena, &out, NULL));
    return out;
}

TEST(a_policy_file_makes_a_project)
{
    CHECK_STR(found(arena, "/src/shop/web/js", "/src/shop/moorage.toml:/src/shop/web/.git"), "/src/shop");
    CHECK_STR(found(arena, "/src/shop/web/js", "/src/shop/moorage.toml:/src/shop/web/moorage.toml"), "/src/shop/web");
    CHECK_STR(found(arena, "/src/shop", "/moorage.toml"), "/");
}

TEST(else_the_nearest_work_tree_does)
{
    CHECK_STR(found(arena, "/src/shop/web/js", "/src/shop/.git"), "/src/shop");
    CHECK_STR(found(arena, "/src/shop/web/js", "/src/shop/.git:/src/shop/web/.git"), "/src/shop/web");
    CHECK_STR(found(arena, "/src/shop", "/.git"), "/");
}

TEST(else_the_folder_itself_does)
{
    CHECK_STR(found(arena, "/src/shop/web/js", "/src/shop"), "/src/shop/web/js");
    CHECK_STR(found(arena, "/", ""), "/");
    CHECK_STR(project_of(arena, STR("shop")), "shop");
}

TEST(a_folder_that_is_gone_is_an_error)
{
    struct str out;

    CHECK(fake_host_load(STR("{\"schema\": \"moorage.snapshot/1\", \"platform\": \"linux\"}"), NULL));
    fake_host_fail_each("folder_current", ERR_GONE);
    CHECK(!project_find(arena, &out, NULL));
}

TAP_MAIN
