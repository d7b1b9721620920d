#include "sys/supervise.h"

#include "base/buf.h"
#include "sys/become.h"
#include "sys/clock.h"
#include "sys/fake_host.h"

// A recording holds what a command does as raw bytes by the name "command" and its words, one thing a line:
//     pid 500 501             (its programs; the first is the command itself)
//     wait 1500               (milliseconds)
//     left 2 node             (it leaves programs behind)
//     ending                  (everything is asked to end)
//     exit 3
// Asked to stop, it ends at once. Sockets come by the script of the recording.
struct supervise {
    struct str rest;
    int64_t wait_until_us;
    struct supervise_end end;
    bool stopped;
    size_t count;
    uint32_t pids[16];
};

bool
supervise_listen(struct address address, uint16_t port, intptr_t *out, struct err *err)
{
    (void)address;
    if (!fake_host_call("supervise_listen", err))
        return false;
    if (str_equal(fake_host()->platform, STR("windows")))
        return err_set(err, ERR_UNSUPPORTED, 0, "sockets can't be handed over on Windows yet");
    *out = 1000 + port;
    return true;
}

bool
supervise_start(struct arena *arena, const struct supervise_ask *ask, struct supervise **out, int *code,
                struct err *err)
{
    const struct host *recorded = fake_host();
    struct supervise *supervise = arena_alloc(arena, sizeof *supervise);
    struct buf name = {.arena = arena};

    *code = BECOME_CANT_RUN;
    if (!fake_host_call("supervise_start", err))
        return false;
    buf_add_c(&name, "command");
    for (size_t i = 0; i < ask->command->count; i++)
        buf_addf(&name, " %.*s", STR_ARG(ask->command->items[i]));
    for (size_t i = 0; i < recorded->raw.count; i++)
        if (str_equal(recorded->raw.items[i].name, buf_str(&name))) {
            supervise->rest = recorded->raw.items[i].bytes;
            *out = supervise;
            fake_host_act(STR("start"));
            return true;
        }
    *code = BECOME_NOT_FOUND;
    return err_set(err, ERR_GONE, 0, "run %.*s: there is no such program", STR_ARG(ask->command->items[0]));
}

static void
read_pids(struct supervise *supervise, struct str line)
{
    struct str word;
    uint64_t pid;

    supervise->count = 0;
    while (supervise->count < sizeof supervise->pids / sizeof *supervise->pids && str_word(&line, &word) &&
           str_to_u64(word, 10, &pid))
        supervise->pids[supervise->count++] = (uint32_t)pid;
}

static void
read_left(struct supervise *supervise, struct str line)
{
    struct str word;
    uint64_t number = 0;

    if (str_word(&line, &word))
        (void)str_to_u64(word, 10, &number);
    supervise->end.left = (size_t)number;
    if (str_word(&line, &word))
        for (size_t i = 0; i < word.len && i < sizeof supervise->end.first - 1; i++)
            supervise->end.first[i] = word.ptr[i];
}

enum supervise_event
supervise_next(struct supervise *supervise, unsigned ms)
{
    int64_t end_us = clock_mono_us() + ms * INT64_C(1000);
    struct str line;
    struct str word;
    uint64_t number;

    while (!supervise->stopped) {
        int64_t now_us = clock_mono_us();
        if (now_us < supervise->wait_until_us) {
            int64_t until_us = supervise->wait_until_us < end_us ? supervise->wait_until_us : end_us;
            clock_sleep_ms((unsigned)((until_us - now_us + 999) / 1000));
        }
        if (clock_mono_us() < supervise->wait_until_us || (now_us >= end_us && ms > 0))
            return SUPERVISE_TIME;
        if (!str_cut(&supervise->rest, '\n', &line) || !str_word(&line, &word))
            break;
        number = 0;
        (void)str_to_u64(str_trim(line), 10, &number);
        if (str_equal(word, STR("pid")))
            read_pids(supervise, line);
        else if (str_equal(word, STR("left")))
            read_left(supervise, line);
        else if (str_equal(word, STR("wait")))
            supervise->wait_until_us = clock_mono_us() + (int64_t)number * 1000;
        else if (str_equal(word, STR("exit")))
            supervise->end.code = (int)number;
        else if (str_equal(word, STR("ending")))
            return SUPERVISE_ENDING;
    }
    return SUPERVISE_ENDED;
}

uint32_t
supervise_pid(const struct supervise *supervise)
{
    return supervise->count ? supervise->pids[0] : 0;
}

size_t
supervise_list(struct arena *arena, const struct supervise *supervise, uint32_t **pids)
{
    *pids = arena_array(arena, supervise->count + 1, sizeof **pids);
    for (size_t i = 0; i < supervise->count; i++)
        (*pids)[i] = supervise->pids[i];
    return supervise->count;
}

void
supervise_stop(struct supervise *supervise)
{
    supervise->stopped = true;
    supervise->end.code = 128 + 15;
    fake_host_act(STR("stop"));
}

void
supervise_result(const struct supervise *supervise, struct supervise_end *out)
{
    *out = supervise->end;
}

void
supervise_ready(void)
{
    fake_host_act(STR("ready"));
}

void
supervise_close(struct supervise *supervise)
{
    (void)supervise;
}
