#include "sys/process_image_win.h"

#include <windows.h>

#include "sys/file_signature_win.h"
#include "sys/local_path_win.h"
#include "sys/wide_win.h"
#include "sys/worker_win.h"

enum {
    DEADLINE_MS = 2000,
    KEY_UNITS = 64,
};

// One file and what was found; it lies in an arena of its own, which a reading that hangs keeps.
struct image {
    struct arena *arena;
    struct str path;
    wchar_t *wide;
    enum known known;
    struct fact company;
    struct fact product;
    struct file_signature signature;
};

// Files that were read in this run.
static struct arena *images_arena;
static struct {
    LIST_OF(struct image *);
} images;

// A text of the version resource, in the language that stands first. A file without it says nothing.
static struct fact
version_text(struct arena *arena, const void *resource, const DWORD *language, const wchar_t *name)
{
    wchar_t key[KEY_UNITS];
    void *text = NULL;
    UINT units = 0;

    swprintf(key, KEY_UNITS, L"\\StringFileInfo\\%04x%04x\\%ls", LOWORD(*language), HIWORD(*language), name);
    if (!VerQueryValueW(resource, key, &text, &units) || units == 0)
        return (struct fact){.known = KNOWN_YES};
    size_t length = wcsnlen(text, units);
    return (struct fact){KNOWN_YES, str_trim(wide_to(arena, text, length))};
}

static void
read_version(struct image *image)
{
    DWORD ignored;
    DWORD size = GetFileVersionInfoSizeW(image->wide, &ignored);
    void *resource = arena_alloc(image->arena, size);
    void *languages = NULL;
    UINT length = 0;

    image->company.known = KNOWN_YES;
    image->product.known = KNOWN_YES;
    if (size == 0 || !GetFileVersionInfoW(image->wide, 0, size, resource) ||
        !VerQueryValueW(resource, L"\\VarFileInfo\\Translation", &languages, &length) || length < sizeof(DWORD))
        return;
    image->company = version_text(image->arena, resource, languages, L"CompanyName");
    image->product = version_text(image->arena, resource, languages, L"ProductName");
}

static void
read_image(void *data)
{
    struct image *image = data;

    read_version(image);
    file_signature_read(image->arena, image->wide, &image->signature);
}

static const struct image *
image_of(struct str path)
{
    for (size_t i = 0; i < images.count; i++)
        if (str_equal_nocase(images.items[i]->path, path))
            return images.items[i];

    struct arena *arena = arena_open();
    struct image *image = arena_alloc(arena, sizeof *image);
    image->arena = arena;
    image->path = str_copy(arena, path);
    image->wide = wide_path(arena, path);
    void *worker = worker_start(read_image, image);
    image->known = KNOWN_YES;
    if (!worker || !worker_wait(worker, DEADLINE_MS)) {
        if (worker)
            worker_leave(worker);
        // What the worker still writes to is another one.
        image = arena_alloc(arena_open(), sizeof *image);
        image->known = KNOWN_TIMEOUT;
    }
    if (!images_arena)
        images_arena = arena_open();
    image->path = str_copy(images_arena, path);
    *LIST_ADD(images_arena, &images) = image;
    return image;
}

static struct fact
copy_fact(struct arena *arena, struct fact fact)
{
    return (struct fact){fact.known, str_copy(arena, fact.value)};
}

void
process_image_read(struct arena *arena, struct process *out)
{
    enum known known = out->exe.known;

    out->signature = SIGNATURE_UNKNOWN;
    if (known == KNOWN_YES && (out->exe_state == EXE_DELETED || out->exe_state == EXE_REPLACED))
        known = KNOWN_GONE;
    if (known == KNOWN_YES && !local_path_is_fixed(out->exe.value))
        known = KNOWN_UNSUPPORTED;
    if (known == KNOWN_YES) {
        const struct image *image = image_of(out->exe.value);
        known = image->known;
        if (known == KNOWN_YES) {
            out->company = copy_fact(arena, image->company);
            out->product = copy_fact(arena, image->product);
            out->signer = copy_fact(arena, image->signature.signer);
            out->signature = image->signature.state;
            return;
        }
    }
    out->company.known = known;
    out->product.known = known;
    out->signer.known = known;
}
