#include "base/list.h"

#include "tap.h"

struct pair {
    int left;
    int right;
};

struct pair_list {
    LIST_OF(struct pair);
};

TEST(elements_stay_when_the_list_grows)
{
    struct pair_list list = {0};
    for (int i = 0; i < 1000; i++)
        *LIST_ADD(arena, &list) = (struct pair){i, -i};
    CHECK_INT(list.count, 1000);
    for (int i = 0; i < 1000; i++)
        CHECK(list.items[i].left == i && list.items[i].right == -i);
}

TEST(a_new_element_is_zeroed_even_where_one_was_taken_off)
{
    struct pair_list list = {0};
    *LIST_ADD(arena, &list) = (struct pair){1, 2};
    list.count--;
    struct pair *again = LIST_ADD(arena, &list);
    CHECK(again->left == 0 && again->right == 0);
}

TEST(reserved_room_is_filled_without_a_move)
{
    struct {
        LIST_OF(int);
    } list = {0};

    *LIST_ADD(arena, &list) = 7;
    LIST_RESERVE(arena, &list, 100);
    const int *items = list.items;
    for (int i = 0; i < 100; i++)
        CHECK_INT((*LIST_ADD(arena, &list))++, 0);
    CHECK(list.items == items);
    CHECK_INT(list.items[0], 7);
    LIST_RESERVE(arena, &list, 0);
    CHECK(list.items == items);
}

TAP_MAIN
