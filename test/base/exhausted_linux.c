// What happens when memory ends: the whole program ends, with one sentence and exit code 3. A child of each test meets it.

#include "base/buf.h"
#include "base/list.h"

#include "tap.h"

#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

// AddressSanitizer would end the program itself, before the arena can.
const char *
__asan_default_options(void);

const char *
__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

// Runs `allocate` in a child; gives its exit code, and what it wrote to stderr in `said`.
static int
run_child(struct arena *arena, void (*allocate)(struct arena *arena), struct str *said)
{
    int pipes[2];
    if (pipe(pipes) != 0)
        return -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        dup2(pipes[1], STDERR_FILENO);
        allocate(arena);
        _exit(0);
    }
    close(pipes[1]);
    struct buf text = {.arena = arena};
    ssize_t got;
    while ((got = read(pipes[0], buf_room(&text, 4096), 4096)) > 0)
        text.len += (size_t)got;
    close(pipes[0]);
    *said = buf_str(&text);
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

static void
allocate_more_than_there_is(struct arena *arena)
{
    arena_alloc(arena, (size_t)1 << 46);
}

static void
allocate_more_than_a_size_says(struct arena *arena)
{
    arena_alloc(arena, SIZE_MAX);
}

static void
allocate_a_product_that_overflows(struct arena *arena)
{
    arena_array(arena, SIZE_MAX / 2, 3);
}

static void
build_a_text_that_overflows(struct arena *arena)
{
    struct buf text = {.arena = arena};
    buf_add_c(&text, "some");
    buf_room(&text, SIZE_MAX - 2);
}

static void
allocate_a_little(struct arena *arena)
{
    arena_alloc(arena, 1000);
}

#define CHECK_ENDS(allocate)                                    \
    do {                                                        \
        struct str said;                                        \
        CHECK_INT(run_child(arena, (allocate), &said), 3);      \
        CHECK(str_ends(said, STR("moorage: out of memory\n"))); \
    } while (0)

TEST(memory_that_the_system_refuses_ends_the_program)
{
    CHECK_ENDS(allocate_more_than_there_is);
}

TEST(an_impossible_size_ends_the_program)
{
    CHECK_ENDS(allocate_more_than_a_size_says);
}

TEST(an_array_that_overflows_ends_the_program)
{
    CHECK_ENDS(allocate_a_product_that_overflows);
}

TEST(a_text_that_overflows_ends_the_program)
{
    CHECK_ENDS(build_a_text_that_overflows);
}

TEST(memory_that_is_there_does_not_end_it)
{
    struct str said;
    CHECK_INT(run_child(arena, allocate_a_little, &said), 0);
    CHECK_STR(said, "");
}

TAP_MAIN
