#ifndef MOORAGE_DECODE_CONSOLE_H
#define MOORAGE_DECODE_CONSOLE_H

// What the short-lived helper that presses Ctrl-C on another program's console says to the moorage that started it, and who
// sits on such a console without being meant. One line: "pressed 40 41", "others 500", "none 6" (there is no console, or
// it may not be joined), "failed 87"; the last two with the code of the system. Only Windows has such consoles.

#include "base/arena.h"
#include "base/list.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum console_kind {
    CONSOLE_PRESSED, // `pids`: whom it reached
    CONSOLE_OTHERS,  // `pids`: who sits there and is not meant; nothing was done
    CONSOLE_NONE,    // `code`
    CONSOLE_FAILED,  // `code`
};

struct console_pids {
    LIST_OF(uint32_t);
};

struct console_answer {
    enum console_kind kind;
    struct console_pids pids;
    uint32_t code;
};

bool
console_answer_parse(struct arena *arena, struct str line, struct console_answer *out);

struct str
console_answer_format(struct arena *arena, const struct console_answer *answer);

// Reads the numbers of processes that stand in words; false where one of them is none.
bool
console_pids_parse(struct arena *arena, struct str words, struct console_pids *out);

// Those of `present` who are neither meant nor the helper itself, in their order, each once. A number of 0 is nobody.
void
console_bystanders(struct arena *arena, const struct console_pids *present, const struct console_pids *meant,
                   uint32_t helper, struct console_pids *out);

bool
console_has(const struct console_pids *list, uint32_t pid);

#endif
