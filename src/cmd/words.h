#ifndef MOORAGE_CMD_WORDS_H
#define MOORAGE_CMD_WORDS_H

// Small pieces of text for people. Whatever comes from outside leaves here safe for a terminal (utf8_display). The systems
// do not differ.

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "core/holder.h"
#include "core/report.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// "1 port", "3 ports"
struct str
words_count(struct arena *arena, size_t count, const char *one, const char *many);

// A span of time, rounded down to its largest unit: "12 s", "5 min", "2 h", "3 d"; never negative.
struct str
words_span(struct arena *arena, int64_t ms);

// "2 h ago", "just now"
struct str
words_ago(struct arena *arena, int64_t ms);

// How long something took: "12 ms", "1.2 s", "3 min"
struct str
words_took(struct arena *arena, int64_t ms);

// "node (pid 41233)", "node (pid 41233 and 2 more)", safe to print; empty for nobody.
struct str
words_holders(struct arena *arena, const struct holder_list *holders);

// What of the programs was not seen: so many "may not be looked into"; 0, where no list shows them, "can't be seen from here".
struct str
words_unseen(struct arena *arena, size_t count);

// What shows all of them: the command `again` with more rights, or for whom has these, what tells why not. Ready to print.
struct str
words_who_sees(struct arena *arena, const struct host *host, struct str again);

// "TCP", "UDP", "UDP-Lite", "TCP" for MPTCP too, which shares its ports.
struct str
words_protocol(enum protocol protocol);

// A word as a POSIX shell reads it back: quoted only where that is needed.
struct str
words_shell(struct arena *arena, struct str word);

// A command line: masked as the privacy asks, quoted, safe to print. With --share only the program's own name.
struct str
words_command(struct arena *arena, const struct host *host, const struct str_list *command,
              const struct report_privacy *privacy);

// The line that runs a command, which is ready to print, in a folder.
struct str
words_in_folder(struct arena *arena, const struct host *host, struct str folder, struct str command);

// Whom a port is kept for: "web in ~/src/shop", with its user where that is somebody else. Safe to print.
struct str
words_lease(struct arena *arena, const struct lease *lease, const struct report_privacy *privacy);

// A path: the home folder as "~", cut short by --share, safe to print.
struct str
words_path(struct arena *arena, struct str path, const struct report_privacy *privacy);

// The sockets' local addresses in few words: "all", "all IPv4", "local only", "127.0.0.1", "10.0.0.5, fe80::1%2 +3".
struct str
words_addresses(struct arena *arena, const struct host *host, const size_t *sockets, size_t count);

// One row's local address as it stands: "0.0.0.0", "[::]" without port; with "%lo" where it is bound to a device.
struct str
words_address(struct arena *arena, const struct socket_row *row);

// Adds the words of `text`, the first line beginning at column `indent` (already there), further lines indented to it. No
// line is longer than `width` unless one word is; width 0: one line. Ends without a line end.
void
words_fold(struct buf *out, struct str text, size_t indent, size_t width);

#endif
