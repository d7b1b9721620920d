// Who may have the port of a lease: the process that it names, what that started, and its user's programs in its project.

#include "core/tenant.h"

#include "sys/fake_host.h"
#include "tap.h"

enum {
    ANN = 1000,
    BOB = 1001,
};

static const struct lease of_shop = {
    .protocol = PROTOCOL_TCP, .port = 21340, .name = STR_INIT("web"), .project = STR_INIT("/src/shop"), .owner = ANN};

static void
begin(void)
{
    CHECK(fake_host_load(STR("{\"schema\": \"moorage.snapshot/1\", \"platform\": \"linux\"}"), NULL));
    fake_host_environment("MOORAGE_FAKE_PATHS", "/src/shop/.git:/src/other/.git:/src/shop/vendor/.git");
}

static const struct process *
process(struct arena *arena, uint32_t pid, uint32_t uid, const char *cwd)
{
    struct process *out = arena_alloc(arena, sizeof *out);

    *out = (struct process){.pid = pid, .known = KNOWN_YES, .uid = uid, .uid_known = true};
    out->cwd.known = cwd ? KNOWN_YES : KNOWN_NOT_ALLOWED;
    out->cwd.value = str_of(cwd);
    return out;
}

static struct holder *
add_holder(struct arena *arena, struct cause *cause, const struct process *of)
{
    struct holder *holder = LIST_ADD(arena, &cause->holders);

    *holder = (struct holder){.pid = of->pid, .process = of};
    return holder;
}

static struct cause *
add_cause(struct arena *arena, struct answer *answer, bool blocks)
{
    struct cause *cause = LIST_ADD(arena, &answer->causes);

    *cause = (struct cause){.kind = CAUSE_LISTENER, .blocks = blocks};
    return cause;
}

// Whether one program with this user and folder is the lease's own.
static bool
is_own(struct arena *arena, const struct lease *lease, const struct process *of)
{
    struct answer answer = {0};

    add_holder(arena, add_cause(arena, &answer, true), of);
    return tenant_is_own(arena, lease, &answer);
}

TEST(a_program_of_the_user_in_the_project_is_its_own)
{
    begin();
    CHECK(is_own(arena, &of_shop, process(arena, 40, ANN, "/src/shop")));
    CHECK(is_own(arena, &of_shop, process(arena, 40, ANN, "/src/shop/web/js")));
}

TEST(another_project_another_user_and_an_unknown_folder_are_strangers)
{
    begin();
    CHECK(!is_own(arena, &of_shop, process(arena, 40, ANN, "/src/other")));
    CHECK(!is_own(arena, &of_shop, process(arena, 40, ANN, "/src/shop/vendor")));
    CHECK(!is_own(arena, &of_shop, process(arena, 40, ANN, "/src")));
    CHECK(!is_own(arena, &of_shop, process(arena, 40, BOB, "/src/shop")));
    CHECK(!is_own(arena, &of_shop, process(arena, 40, ANN, NULL)));
    struct process unknown = *process(arena, 40, ANN, "/src/shop");
    unknown.uid_known = false;
    CHECK(!is_own(arena, &of_shop, &unknown));
    // A lease without a project has no folder that could be its own.
    struct lease lease = of_shop;
    lease.project = (struct str){0};
    CHECK(!is_own(arena, &lease, process(arena, 40, ANN, "/src/shop")));
}

TEST(the_process_of_the_lease_and_what_it_started_are_its_own_wherever_they_run)
{
    struct lease lease = of_shop;
    struct answer answer = {0};

    begin();
    lease.pid = 40;
    CHECK(is_own(arena, &lease, process(arena, 40, BOB, NULL)));
    CHECK(!is_own(arena, &lease, process(arena, 41, BOB, NULL)));
    struct holder *worker = add_holder(arena, add_cause(arena, &answer, true), process(arena, 42, BOB, "/tmp"));
    *LIST_ADD(arena, &worker->ancestry) = process(arena, 41, BOB, "/tmp");
    CHECK(!tenant_is_own(arena, &lease, &answer));
    *LIST_ADD(arena, &worker->ancestry) = process(arena, 40, BOB, "/tmp");
    CHECK(tenant_is_own(arena, &lease, &answer));
}

TEST(a_process_of_which_nothing_is_known_is_a_stranger)
{
    struct answer answer = {0};

    begin();
    struct cause *cause = add_cause(arena, &answer, true);
    *LIST_ADD(arena, &cause->holders) = (struct holder){.pid = 40};
    CHECK(!tenant_is_own(arena, &of_shop, &answer));
}

TEST(one_stranger_among_its_own_is_enough)
{
    const struct process *own = process(arena, 40, ANN, "/src/shop");
    const struct process *stranger = process(arena, 41, BOB, "/src/shop");
    struct answer shared = {0};
    struct answer apart = {0};

    begin();
    struct cause *cause = add_cause(arena, &shared, true);
    add_holder(arena, cause, stranger);
    add_holder(arena, cause, own);
    CHECK(!tenant_is_own(arena, &of_shop, &shared));
    add_holder(arena, add_cause(arena, &apart, true), own);
    add_holder(arena, add_cause(arena, &apart, true), stranger);
    CHECK(!tenant_is_own(arena, &of_shop, &apart));
}

TEST(who_cannot_be_seen_is_a_stranger_and_nobody_is_nobody)
{
    struct answer hidden = {0};
    struct answer nothing = {0};

    begin();
    add_holder(arena, add_cause(arena, &hidden, true), process(arena, 40, ANN, "/src/shop"));
    CHECK(tenant_is_own(arena, &of_shop, &hidden));
    add_cause(arena, &hidden, true);
    CHECK(!tenant_is_own(arena, &of_shop, &hidden));
    CHECK(!tenant_is_own(arena, &of_shop, &nothing));
}

TEST(what_does_not_block_does_not_count)
{
    struct answer answer = {0};

    begin();
    add_holder(arena, add_cause(arena, &answer, false), process(arena, 41, BOB, "/tmp"));
    CHECK(!tenant_is_own(arena, &of_shop, &answer));
    add_holder(arena, add_cause(arena, &answer, true), process(arena, 40, ANN, "/src/shop"));
    CHECK(tenant_is_own(arena, &of_shop, &answer));
}

TAP_MAIN
