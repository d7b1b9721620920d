#include "core/conflict.h"

enum {
    BINDS = 2 * CONFLICT_OPTION_COUNT // each option, on a wildcard and on one address
};

enum cell {
    S = CONFLICT_WORKS,
    U = CONFLICT_IN_USE,    // WSAEADDRINUSE
    A = CONFLICT_FORBIDDEN, // WSAEACCES
};

// "Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE", the tables for Windows Server 2003 and later: lines are the first bind,
// columns the second one, both in the order default, reuse, exclusive, each wildcard before specific.
static const unsigned char of_same_user[BINDS][BINDS] = {
    {U, S, A, S, U, S}, {S, U, S, A, U, U}, // default
    {U, S, S, S, U, S}, {S, U, S, S, U, U}, // reuse
    {U, A, A, A, U, A}, {S, U, S, A, U, U}, // exclusive
};

static const unsigned char of_other_user[BINDS][BINDS] = {
    {U, A, A, A, U, A}, {S, U, S, A, U, U}, // default
    {U, A, S, S, U, A}, {S, U, S, S, U, U}, // reuse
    {U, A, A, A, U, A}, {S, U, S, A, U, U}, // exclusive
};

static size_t
place(struct conflict_bind bind)
{
    return (size_t)bind.option * 2 + !bind.wildcard;
}

enum conflict_outcome
conflict_matrix(struct conflict_bind first, struct conflict_bind second, bool same_user)
{
    return (enum conflict_outcome)(same_user ? of_same_user : of_other_user)[place(first)][place(second)];
}

static enum conflict_option
option_of(enum bind_mode mode)
{
    switch (mode) {
    case BIND_REUSE:
        return CONFLICT_OPTION_REUSE;
    case BIND_EXCLUSIVE:
        return CONFLICT_OPTION_EXCLUSIVE;
    default:
        return CONFLICT_OPTION_DEFAULT;
    }
}

// SO_EXCLUSIVEADDRUSE and SO_REUSEADDR exclude each other; the table tells neither.
static bool
may_have(const struct socket_row *row, enum conflict_option option)
{
    if (option == CONFLICT_OPTION_REUSE)
        return row->reuse_addr != TRI_NO;
    return row->reuse_addr != TRI_YES;
}

// What binds: a server and what is bound. A connection holds the port through its server's bind or its own, which can't be
// told apart; an exclusive bind waits for it to end ("SO_EXCLUSIVEADDRUSE socket option", learn.microsoft.com).
static bool
is_bind(const struct socket_row *row)
{
    return row->state == SOCKET_LISTEN || row->state == SOCKET_BOUND || row->state == SOCKET_UNCONN;
}

static unsigned
beside_connection(const struct bind_wish *wish, const struct socket_row *row)
{
    if (row->state == SOCKET_CLOSED || row->state == SOCKET_SYN_RECEIVED)
        return CONFLICT_WORKS;
    if (row->state == SOCKET_TIME_WAIT && wish->mode != BIND_EXCLUSIVE)
        return CONFLICT_WORKS;
    return CONFLICT_WORKS | CONFLICT_IN_USE;
}

// A wildcard socket of both families must pass for both of them: then the row of the other family is compared as well.
static unsigned
beside_bind(const struct bind_wish *wish, uint32_t uid, const struct socket_row *row)
{
    struct conflict_bind second = {option_of(wish->mode), address_is_any(wish->address)};
    struct conflict_bind first = {.wildcard = address_is_any(row->local)};
    unsigned possible = 0;

    for (int option = 0; option < CONFLICT_OPTION_COUNT; option++) {
        first.option = (enum conflict_option)option;
        if (!may_have(row, first.option))
            continue;
        if (!row->uid_known || row->uid == uid)
            possible |= conflict_matrix(first, second, true);
        if (!row->uid_known || row->uid != uid)
            possible |= conflict_matrix(first, second, false);
    }
    return possible;
}

static unsigned
outcomes(const struct bind_wish *wish, uint32_t uid, const struct socket_row *row)
{
    // Of an IPv6 wildcard it can't be seen whether it takes IPv4 too.
    bool doubtful = row->v6only == TRI_UNKNOWN && address_is_any(row->local) && row->local.family == FAMILY_IPV6 &&
                    wish->address.family == FAMILY_IPV4;

    if (!conflict_overlaps(wish, row))
        return CONFLICT_WORKS;
    unsigned possible = is_bind(row) ? beside_bind(wish, uid, row) : beside_connection(wish, row);
    return doubtful ? possible | CONFLICT_WORKS : possible;
}

const struct conflict_rules conflict_rules_windows = {.outcomes = outcomes, .reuse_takes_over = true};
