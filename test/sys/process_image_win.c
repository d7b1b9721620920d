#include "sys/process_image_win.h"

#include "tap.h"

#include <windows.h>

#include "sys/late_win.h"
#include "sys/wide_win.h"

static struct process
read_image(struct arena *arena, struct str path, enum exe_state state)
{
    struct process process = {.exe = {KNOWN_YES, path}, .exe_state = state};
    process_image_read(arena, &process);
    return process;
}

TEST(maker_is_read_from_the_file)
{
    wchar_t folder[MAX_PATH];
    GetSystemDirectoryW(folder, MAX_PATH);
    struct str path = str_printf(arena, "%.*s\\kernel32.dll", STR_ARG(wide_to_z(arena, folder)));
    struct process process = read_image(arena, path, EXE_PRESENT);
    struct process again = read_image(arena, path, EXE_PRESENT);
    CHECK_INT(process.company.known, KNOWN_YES);
    CHECK_STR(process.company.value, "Microsoft Corporation");
    CHECK(process.product.value.len > 0);
    CHECK_INT(process.signature, late_is_wine() ? SIGNATURE_NONE : SIGNATURE_GOOD);
    CHECK(str_equal(process.product.value, again.product.value));
    CHECK_INT(again.signature, process.signature);
}

TEST(file_that_is_not_on_this_machine_is_not_touched)
{
    struct process process = read_image(arena, STR("\\\\server\\share\\x.exe"), EXE_UNKNOWN);
    CHECK_INT(process.company.known, KNOWN_UNSUPPORTED);
    CHECK_INT(process.signer.known, KNOWN_UNSUPPORTED);
    CHECK_INT(process.signature, SIGNATURE_UNKNOWN);
}

TEST(file_that_is_another_now_tells_nothing)
{
    CHECK_INT(read_image(arena, STR("C:\\x.exe"), EXE_REPLACED).company.known, KNOWN_GONE);
    CHECK_INT(read_image(arena, STR("C:\\x.exe"), EXE_DELETED).product.known, KNOWN_GONE);
}

TEST(program_whose_path_may_not_be_seen_tells_why)
{
    struct process process = {.exe = {.known = KNOWN_NOT_ALLOWED}};
    process_image_read(arena, &process);
    CHECK_INT(process.company.known, KNOWN_NOT_ALLOWED);
    CHECK_INT(process.signer.known, KNOWN_NOT_ALLOWED);
}

TAP_MAIN
