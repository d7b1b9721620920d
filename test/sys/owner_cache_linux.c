// The real file system: what is kept is read only where nobody else can have written it.

#include "tap.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/owner_cache_linux.h"

// A folder of its own below the one for temporary files, and its file.
struct place {
    char folder[64];
    char file[96];
};

static struct place
place_make(void)
{
    struct place place = {.folder = "/tmp/moorage-cache.XXXXXX"};
    CHECK(mkdtemp(place.folder) != NULL);
    snprintf(place.file, sizeof place.file, "%s/kernel-layout", place.folder);
    return place;
}

static void
place_drop(const struct place *place)
{
    unlink(place->file);
    rmdir(place->folder);
}

static bool
is_read(struct arena *arena, const struct place *place)
{
    struct str text = {0};
    return owner_cache_read(arena, place->folder, &text) && str_equal(text, STR("kept\n"));
}

TEST(what_was_written_is_read)
{
    struct place place = place_make();
    bool empty = is_read(arena, &place);
    owner_cache_write(place.folder, STR("before\n"));
    owner_cache_write(place.folder, STR("kept\n"));
    bool good = is_read(arena, &place);
    unlink(place.file);
    // Nothing else was left there.
    bool clean = rmdir(place.folder) == 0;
    CHECK(!empty);
    CHECK(good);
    CHECK(clean);
}

TEST(folder_is_made)
{
    struct place place = place_make();
    rmdir(place.folder);
    owner_cache_write(place.folder, STR("kept\n"));
    bool good = is_read(arena, &place);
    place_drop(&place);
    CHECK(good);
}

TEST(what_others_may_write_is_not_read)
{
    struct place place = place_make();
    static const mode_t open_to[] = {S_IWGRP, S_IWOTH};
    bool any = false;
    owner_cache_write(place.folder, STR("kept\n"));
    for (size_t i = 0; i < 2; i++) {
        chmod(place.folder, 0755 | open_to[i]);
        any = any || is_read(arena, &place);
        chmod(place.folder, 0755);
        chmod(place.file, 0644 | open_to[i]);
        any = any || is_read(arena, &place);
        chmod(place.file, 0644);
    }
    bool good = is_read(arena, &place);
    place_drop(&place);
    CHECK(!any);
    CHECK(good);
}

TEST(only_root_keeps_something_and_where_state_is_not_elsewhere)
{
    const char *usual = getenv("MOORAGE_STATE_DIR");
    unsetenv("MOORAGE_STATE_DIR");
    bool here = owner_cache_folder();
    setenv("MOORAGE_STATE_DIR", "/tmp", 1);
    bool elsewhere = owner_cache_folder();
    if (usual)
        setenv("MOORAGE_STATE_DIR", usual, 1);
    else
        unsetenv("MOORAGE_STATE_DIR");
    CHECK(here == (geteuid() == 0));
    CHECK(!elsewhere);
}

TEST(what_others_own_is_not_read)
{
    if (geteuid() != 0)
        SKIP("only root can give a file away");
    struct place place = place_make();
    owner_cache_write(place.folder, STR("kept\n"));
    bool changed = chown(place.file, 65534, 65534) == 0;
    bool of_other = is_read(arena, &place);
    changed = changed && chown(place.file, 0, 0) == 0 && chown(place.folder, 65534, 65534) == 0;
    bool in_other = is_read(arena, &place);
    owner_cache_write(place.folder, STR("new\n"));
    changed = changed && chown(place.folder, 0, 0) == 0;
    bool untouched = is_read(arena, &place);
    place_drop(&place);
    CHECK(changed);
    CHECK(!of_other);
    CHECK(!in_other);
    CHECK(untouched);
}

TEST(links_and_folders_are_not_read)
{
    struct place place = place_make();
    struct place other = place_make();
    char link[96];
    snprintf(link, sizeof link, "%s/link", place.folder);
    owner_cache_write(other.folder, STR("kept\n"));
    bool linked = symlink(other.file, place.file) == 0 && symlink(other.folder, link) == 0;
    struct str text;
    bool by_file = is_read(arena, &place);
    bool by_folder = owner_cache_read(arena, link, &text);
    unlink(place.file);
    mkdir(place.file, 0700);
    bool is_folder = is_read(arena, &place);
    rmdir(place.file);
    unlink(link);
    place_drop(&place);
    place_drop(&other);
    CHECK(linked);
    CHECK(!by_file);
    CHECK(!by_folder);
    CHECK(!is_folder);
}

TAP_MAIN
