// Preloaded into a program, makes its Nth allocation fail (FAIL_ALLOC=N), or counts them all and writes the number to the
// file FAIL_ALLOC_COUNT when the program ends. Single-threaded counting is enough: the count is only compared with itself.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

// glibc's own names of the functions that are replaced here.
extern void *
__libc_malloc(size_t size);
extern void *
__libc_calloc(size_t count, size_t size);
extern void *
__libc_realloc(void *memory, size_t size);

void *
malloc(size_t size);
void *
calloc(size_t count, size_t size);
void *
realloc(void *memory, size_t size);

static unsigned long allocations;
static unsigned long failing;
static int armed;

__attribute__((constructor)) static void
arm(void)
{
    const char *number = getenv("FAIL_ALLOC");

    failing = number ? strtoul(number, NULL, 10) : 0;
    armed = 1;
}

__attribute__((destructor)) static void
tell(void)
{
    const char *path = getenv("FAIL_ALLOC_COUNT");

    armed = 0;
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file) {
        fprintf(file, "%lu\n", allocations);
        fclose(file);
    }
}

static int
is_failing(void)
{
    if (!armed || ++allocations != failing)
        return 0;
    errno = ENOMEM;
    return 1;
}

void *
malloc(size_t size)
{
    return is_failing() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
    return is_failing() ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *memory, size_t size)
{
    return is_failing() ? NULL : __libc_realloc(memory, size);
}
