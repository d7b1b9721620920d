// Waits until it is ended, whatever its arguments are. Tests run copies of it under the names and arguments of programs
// that are not installed ("docker-proxy -proto tcp ...").

#include <unistd.h>

int
main(void)
{
    for (;;)
        pause();
}
