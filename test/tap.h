#ifndef MOORAGE_TEST_TAP_H
#define MOORAGE_TEST_TAP_H

// Tests that speak TAP (Test Anything Protocol, version 13). A test file is a program:
//
//     #include "tap.h"
//     TEST(second_bind_is_blamed_on_first_process) { CHECK(1 + 1 == 2); CHECK_STR(name, "node"); }
//     TAP_MAIN
//
// A failed CHECK ends its test. SKIP("why") says aloud that a test could not run here. `arena` is fresh in each test.

#include "base/arena.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tap_test {
    const char *name;
    void (*run)(struct arena *arena);
    struct tap_test *next;
};

static struct tap_test *tap_first;
static struct tap_test **tap_last = &tap_first;
static jmp_buf tap_out;
static const char *tap_skipped = "";

#define TEST(test_name)                                                            \
    static void test_##test_name(struct arena *arena);                             \
    static struct tap_test tap_##test_name = {#test_name, test_##test_name, NULL}; \
    __attribute__((constructor)) static void tap_add_##test_name(void)             \
    {                                                                              \
        *tap_last = &tap_##test_name;                                              \
        tap_last = &tap_##test_name.next;                                          \
    }                                                                              \
    static void test_##test_name(struct arena *arena __attribute__((unused)))

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            printf("# %s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
            longjmp(tap_out, 1);                                               \
        }                                                                      \
    } while (0)

#define CHECK_STR(got, want)                                                                                      \
    do {                                                                                                          \
        struct str tap_got = (got);                                                                               \
        struct str tap_want = str_of(want);                                                                       \
        if (!str_equal(tap_got, tap_want)) {                                                                      \
            printf("# %s:%d: %s\n#   got  «%.*s»\n#   want «%.*s»\n", __FILE__, __LINE__, #got, STR_ARG(tap_got), \
                   STR_ARG(tap_want));                                                                            \
            longjmp(tap_out, 1);                                                                                  \
        }                                                                                                         \
    } while (0)

#define CHECK_INT(got, want)                                                                           \
    do {                                                                                               \
        long long tap_got = (long long)(got);                                                          \
        long long tap_want = (long long)(want);                                                        \
        if (tap_got != tap_want) {                                                                     \
            printf("# %s:%d: %s: got %lld, want %lld\n", __FILE__, __LINE__, #got, tap_got, tap_want); \
            longjmp(tap_out, 1);                                                                       \
        }                                                                                              \
    } while (0)

#define SKIP(why)            \
    do {                     \
        tap_skipped = (why); \
        longjmp(tap_out, 2); \
    } while (0)

// 0: the test passed, 1: it failed, 2: it was skipped. Alone in its function, so that no variable lives across setjmp.
static int
tap_try(const struct tap_test *test, struct arena *arena)
{
    int how = setjmp(tap_out);
    if (how == 0)
        test->run(arena);
    return how;
}

static int
tap_run_all(void)
{
    int failed = 0;
    int number = 0;
    for (struct tap_test *test = tap_first; test; test = test->next)
        number++;
    printf("1..%d\n", number);
    number = 0;
    for (struct tap_test *test = tap_first; test; test = test->next) {
        struct arena *arena = arena_open();
        int how = tap_try(test, arena);
        printf("%s %d %s", how == 1 ? "not ok" : "ok", ++number, test->name);
        if (how == 2)
            printf(" # SKIP %s", tap_skipped);
        printf("\n");
        fflush(stdout);
        failed += how == 1;
        arena_close(arena);
    }
    return failed ? 1 : 0;
}

#define TAP_MAIN              \
    int main(void)            \
    {                         \
        return tap_run_all(); \
    }

#endif
