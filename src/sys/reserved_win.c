#include "sys/reserved.h"

#include <windows.h>

#include "decode/netsh.h"
#include "sys/tool_win.h"

enum {
    DEADLINE_MS = 3000, // of each netsh; they run side by side
    QUESTIONS = 8,
};

// One question to netsh. No interface tells this: an NSI call that netsh makes itself is documented nowhere.
struct question {
    struct arena *arena; // its own: an arena is used by one thread at a time
    enum range_kind kind;
    enum protocol protocol;
    enum family family;
    bool good;
    struct err err;
    struct raw_bytes raw;
    struct str text;
};

static void
ask(struct question *question)
{
    bool tcp = question->protocol == PROTOCOL_TCP;
    struct str line = str_printf(question->arena,
                                 question->kind == RANGE_DYNAMIC ? "interface ipv%d show dynamicport %s"
                                                                 : "interface ipv%d show excludedportrange protocol=%s",
                                 (int)question->family, tcp ? "tcp" : "udp");
    question->good =
        tool_ask_netsh(question->arena, line, DEADLINE_MS, &question->raw, &question->text, &question->err);
}

static DWORD WINAPI
enter(void *question)
{
    ask(question);
    return 0;
}

static void
add_range(struct arena *arena, const struct question *question, uint16_t first, uint16_t last, bool administered,
          struct host *host)
{
    *LIST_ADD(arena, &host->ranges) = (struct port_range){
        .kind = question->kind,
        .protocol = question->protocol,
        .family = question->family,
        .first = first,
        .last = last,
        .administered = administered,
        .source = question->kind == RANGE_DYNAMIC ? STR("netsh dynamicport") : STR("netsh excludedportrange"),
    };
}

static bool
read_answer(struct arena *arena, const struct question *question, struct host *host, struct err *err)
{
    struct netsh_exclusion range;
    uint16_t first;
    uint16_t last;
    struct str text = question->text;
    if (!question->good) {
        if (err)
            *err = question->err;
        return false;
    }
    *LIST_ADD(arena, &host->raw) =
        (struct raw_bytes){str_copy(arena, question->raw.name), str_copy(arena, question->raw.bytes)};
    if (question->kind == RANGE_DYNAMIC) {
        if (!netsh_parse_dynamic(text, &first, &last))
            return err_set(err, ERR_FORMAT, 0, "netsh tells no dynamic port range");
        add_range(arena, question, first, last, false, host);
    }
    while (question->kind == RANGE_EXCLUDED && netsh_next_exclusion(&text, &range))
        add_range(arena, question, range.first, range.last, range.administered, host);
    return true;
}

bool
reserved_read(struct arena *arena, struct host *host, struct err *err)
{
    struct question questions[QUESTIONS] = {{.arena = NULL}};
    HANDLE threads[QUESTIONS] = {NULL};
    bool good = true;
    for (int i = 0; i < QUESTIONS; i++) {
        questions[i] = (struct question){.arena = arena_open(),
                                         .kind = i & 1 ? RANGE_DYNAMIC : RANGE_EXCLUDED,
                                         .protocol = i & 2 ? PROTOCOL_UDP : PROTOCOL_TCP,
                                         .family = i & 4 ? FAMILY_IPV6 : FAMILY_IPV4};
        threads[i] = CreateThread(NULL, 0, enter, &questions[i], 0, NULL);
        if (!threads[i])
            ask(&questions[i]);
    }
    for (int i = 0; i < QUESTIONS; i++) {
        // It ends by its own deadline.
        if (threads[i]) {
            WaitForSingleObject(threads[i], INFINITE);
            CloseHandle(threads[i]);
        }
        // What one of them can't tell does not take away what the others tell.
        good = read_answer(arena, &questions[i], host, err) && good;
        arena_close(questions[i].arena);
    }
    return good;
}
