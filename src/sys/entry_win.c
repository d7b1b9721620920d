// Windows starts programs with UTF-16, moorage's main() takes UTF-8: this stands between the two, in the program alone
// (-municode makes the C run-time call wmain).

#include <fcntl.h>
#include <io.h>
#include <stddef.h>
#include <wchar.h>

#include "base/arena.h"
#include "sys/wide_win.h"

int
main(int argc, char **argv);
int
wmain(int argc, wchar_t **argv);

// mingw-w64's start code would take "*:80" for a pattern of file names.
extern int _dowildcard; // NOLINT(bugprone-reserved-identifier): it has this name there
int _dowildcard = 0;

int
wmain(int argc, wchar_t **argv)
{
    // Bytes go out as they are, without a carriage return before each line end.
    for (int stream = 0; stream <= 2; stream++)
        _setmode(stream, _O_BINARY);
    struct arena *arena = arena_open();
    char **narrow = arena_array(arena, (size_t)argc + 1, sizeof *narrow);
    for (int i = 0; i < argc; i++)
        narrow[i] = str_c(arena, wide_to_z(arena, argv[i]));
    int code = main(argc, narrow);
    arena_close(arena);
    return code;
}
