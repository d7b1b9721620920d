#include "decode/wsl.h"

struct str
wsl_version(const struct wsl_signs *signs)
{
    bool first = str_find(signs->kernel, STR("-Microsoft")) != SIZE_MAX;
    bool second =
        str_find(signs->kernel, STR("microsoft")) != SIZE_MAX || str_find(signs->kernel, STR("WSL2")) != SIZE_MAX;

    if (first || second)
        return !signs->named && !signs->run_folder && !signs->interop ? STR("") : first ? STR("1") : STR("2");
    // A kernel that the user built may have any name; only version 2 runs one.
    return signs->named && signs->run_folder ? STR("2") : STR("");
}
