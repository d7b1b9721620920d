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
static int tap_number;
static const char *tap_skipped;

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

#define TAP_MAIN                                                                  \
    int main(void)                                                                \
    {                                                                             \
        int failed = 0;                                                           \
        int count = 0;                                                            \
        for (struct tap_test *t = tap_first; t; t = t->next)                      \
            count++;                                                              \
        printf("1..%d\n", count);                                                 \
        for (struct tap_test *volatile t = tap_first; t; t = t->next) {           \
            struct arena *volatile arena = arena_open();                          \
            int how = setjmp(tap_out);                                            \
            if (how == 0)                                                         \
                t->run(arena);                                                    \
            tap_number++;                                                         \
            if (how == 2)                                                         \
                printf("ok %d %s # SKIP %s\n", tap_number, t->name, tap_skipped); \
            else                                                                  \
                printf("%s %d %s\n", how ? "not ok" : "ok", tap_number, t->name); \
            failed += how == 1;                                                   \
            fflush(stdout);                                                       \
            arena_close(arena);                                                   \
        }                                                                         \
        return failed ? 1 : 0;                                                    \
    }

#endif
