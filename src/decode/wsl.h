#ifndef MOORAGE_DECODE_WSL_H
#define MOORAGE_DECODE_WSL_H

// What tells a Linux that it runs in the Windows Subsystem for Linux.
// Sources: learn.microsoft.com/windows/wsl; github.com/microsoft/WSL, whose kernels say "microsoft" in their release name
// ("5.15.167.4-microsoft-standard-WSL2", "4.4.0-19041-Microsoft").

#include "base/str.h"

#include <stdbool.h>

// What can be seen without asking Windows.
struct wsl_signs {
    struct str kernel; // release name of the kernel, as uname(2) gives it
    bool named;        // WSL_DISTRO_NAME is set: a shell of the distribution; sudo drops it
    bool run_folder;   // /run/WSL is there: sockets of its interop server
    bool interop;      // binfmt_misc has an entry for Windows programs
};

// "1" or "2"; empty where this is no distribution of WSL. A container that runs inside of one is none: it has the kernel
// alone, and ports of its own.
struct str
wsl_version(const struct wsl_signs *signs);

#endif
