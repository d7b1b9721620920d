#include "cmd/command.h"

#include "cmd/table.h"
#include "cmd/take.h"

enum {
    COUNT_MOST = 1000,
};

struct pick_options {
    long count;
    struct take_choice choice;
};

#define PICK(member) offsetof(struct pick_options, member)

static const struct opt pick_items[] = {
    {.name = "count",
     .letter = 'n',
     .kind = OPT_NUMBER,
     .value = "N",
     .help = "so many ports, one a line; with a name, the others are NAME-2, NAME-3 and so on",
     .offset = PICK(count)},
    {.name = "range",
     .letter = 'r',
     .kind = OPT_TEXT,
     .value = "A-B",
     .help = "only from these ports",
     .offset = PICK(choice.range)},
    {.name = "near",
     .kind = OPT_TEXT,
     .value = "PORT",
     .help = "the nearest one to this port, above it first",
     .offset = PICK(choice.near_port)},
    {.name = "udp", .letter = 'u', .kind = OPT_FLAG, .help = "for UDP, not TCP", .offset = PICK(choice.udp)},
    {.name = "target",
     .kind = OPT_TEXT,
     .value = "SYSTEMS",
     .help = "wise on these systems too: linux,windows,macos",
     .offset = PICK(choice.targets)},
};

static int
pick_run(struct command_run *run, struct err *err)
{
    const struct pick_options *options = run->options;
    struct pick_wish wish = {.count = (size_t)options->count};

    if (run->operands.count > 1) {
        err_set(err, ERR_USAGE, 0, "one name at a time: moorage pick NAME");
        return EXIT_USAGE;
    }
    if (options->count < 1 || options->count > COUNT_MOST) {
        err_set(err, ERR_USAGE, 0, "-n is a number from 1 to %d", COUNT_MOST);
        return EXIT_USAGE;
    }
    if (!take_read_choice(run->arena, &options->choice, &wish, err))
        return EXIT_USAGE;
    if (run->operands.count == 0) {
        wish.lease.ttl_ms = LEASE_BRIEF_MS;
        wish.unkept = true;
        return take_ports(run, &wish, "moorage.pick/1", false, err);
    }
    wish.lease.lasting = true;
    if (!take_read_name(run->arena, run->operands.items[0], &wish, err))
        return err->kind == ERR_USAGE ? EXIT_USAGE : EXIT_UNKNOWN;
    return take_ports(run, &wish, "moorage.pick/1", false, err);
}

static const struct pick_options preset = {.count = 1};

const struct command command_pick = {
    .name = "pick",
    .usage = "[OPTION]... [NAME]",
    .summary = "a port that is free and stays yours",
    .about =
        "Prints a port that is free on every local address, IPv4 and IPv6, tried by a real bind. It is none that a "
        "client could be given (the dynamic range), none that is reserved, privileged, refused by browsers or what "
        "well-known software takes, and none that is kept for somebody else. No other moorage hands it out for 30 "
        "seconds, in which a program can start on it. With a NAME it is kept for good: the same project and name get "
        "the same port again, until `moorage lease release NAME` or until the project's folder is gone. A project is "
        "the nearest folder above with a moorage.toml, else the git work tree, else the current folder.",
    .examples = "moorage pick\ta port, its number alone\n"
                "moorage pick web\tthe port of web in this project, the same each time\n"
                "PORT=$(moorage pick) npm start\tfor one start\n"
                "moorage pick -n 3 --range 20000-20999\tthree ports from a range\n"
                "moorage pick --near 8080 --udp\tfor UDP, beside 8080\n",
    .options = OPT_TABLE(pick_items),
    .options_size = sizeof(struct pick_options),
    .preset = &preset,
    .run = pick_run,
};
