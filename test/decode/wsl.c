#include "decode/wsl.h"

#include "tap.h"

TEST(kernel_and_one_more_sign_make_a_distribution)
{
    struct wsl_signs two = {.kernel = STR("5.15.167.4-microsoft-standard-WSL2"), .run_folder = true};
    struct wsl_signs one = {.kernel = STR("4.4.0-19041-Microsoft"), .named = true};

    (void)arena;
    CHECK_STR(wsl_version(&two), "2");
    CHECK_STR(wsl_version(&one), "1");
    two = (struct wsl_signs){.kernel = STR("6.6.87.2-microsoft-standard-WSL2"), .interop = true};
    CHECK_STR(wsl_version(&two), "2");
}

TEST(container_inside_of_wsl_is_no_distribution)
{
    struct wsl_signs signs = {.kernel = STR("5.15.167.4-microsoft-standard-WSL2")};

    (void)arena;
    CHECK_STR(wsl_version(&signs), "");
}

TEST(kernel_of_ones_own_is_known_by_the_other_signs)
{
    struct wsl_signs signs = {.kernel = STR("6.12.1-mine"), .named = true, .run_folder = true};

    (void)arena;
    CHECK_STR(wsl_version(&signs), "2");
    signs.run_folder = false;
    CHECK_STR(wsl_version(&signs), "");
    signs.kernel = STR("6.12.1-mine-WSL2");
    CHECK_STR(wsl_version(&signs), "2");
    signs = (struct wsl_signs){.kernel = STR("6.12.43-generic"), .interop = true};
    CHECK_STR(wsl_version(&signs), "");
}

TAP_MAIN
