#ifndef MOORAGE_DECODE_WSL_H
#define MOORAGE_DECODE_WSL_H

// The Windows Subsystem for Linux, seen from both sides: what tells a Linux that it runs in it, what Windows says of the
// distributions that run, and how they share ports.
// Sources: learn.microsoft.com/windows/wsl (wsl-config, networking, basic-commands); github.com/microsoft/WSL, whose kernels
// say "microsoft" in their release name ("5.15.167.4-microsoft-standard-WSL2", "4.4.0-19041-Microsoft").

#include "base/arena.h"
#include "base/list.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

// What can be seen without asking Windows.
struct wsl_signs {
    struct str kernel; // release name of the kernel, as uname(2) gives it
    bool named;        // WSL_DISTRO_NAME is set: a shell of the distribution; sudo drops it
    bool run_folder;   // /run/WSL is there: sockets of its interop server
    bool interop;      // binfmt_misc has an entry for Windows programs
};

// Whether a kernel with this release name is one of WSL.
bool
wsl_is_kernel(struct str kernel);

// "1" or "2"; empty where this is no distribution of WSL. A container that runs inside of one is none: it has the kernel
// alone, and ports of its own.
struct str
wsl_version(const struct wsl_signs *signs);

// How ports are shared, as `wslinfo --networking-mode` prints it: "nat", "mirrored", "virtioproxy", ... in lower case. Empty
// for what is no such word (an old version prints how it is used instead).
struct str
wsl_parse_networking(struct arena *arena, struct str text);

// What a .wslconfig file says of ports.
struct wsl_settings {
    struct str networking; // as above; empty: not said
    struct {
        LIST_OF(uint16_t);
    } ignored; // mirrored mode: ports that Linux programs may have although a Windows program has them
};

void
wsl_parse_settings(struct arena *arena, struct str text, struct wsl_settings *out);

// The names that `wsl.exe --list --running --quiet` printed (in UTF-16, or UTF-8 where WSL_UTF8 is set), of those in
// `installed`: where none runs it prints a sentence instead.
void
wsl_parse_running(struct arena *arena, struct str bytes, const struct str_list *installed, struct str_list *out);

#endif
