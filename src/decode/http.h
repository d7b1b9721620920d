#ifndef MOORAGE_DECODE_HTTP_H
#define MOORAGE_DECODE_HTTP_H

// HTTP/1.1 as a client speaks it (RFC 9112): the text of a request, and the answer to one, out of bytes that arrive in pieces.
// Only what a client of a local API needs: status, header fields, and the body by Content-Length, by chunks or up to the end of the connection.
// Invariants: nothing is written or allocated before the answer is whole, so asking again after each piece is cheap; an
// answer that could be read in two ways (two lengths, a length beside chunks) is broken, not guessed at.
// The systems do not differ.

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A request to the API of this machine: "GET", "/containers/json". An order ("POST") has no body and says so: some servers
// wait for one else. The connection ends with the answer.
struct str
http_api_request(struct arena *arena, struct str method, struct str target);

// A GET of `path` from a server that was named: a name or an address without brackets.
struct str
http_get_request(struct arena *arena, struct str host, uint16_t port, struct str path);

// Most bytes that the status line and the header fields may have together.
#define HTTP_HEAD_LIMIT 65536

enum http_state {
    HTTP_MORE,   // the bytes so far are the start of an answer
    HTTP_DONE,   // the answer is whole
    HTTP_BROKEN, // no HTTP, or cut off
};

struct http_answer {
    unsigned status;    // 200, 404, ...; interim answers (1xx) are skipped
    struct str headers; // the field lines as they came, each with its line end
    struct str body;    // views the bytes that were given; put together in the arena where it came in chunks
};

// Looks at all bytes that came so far; `ended` says that no more will come. Fills `out` for HTTP_DONE. The answer is
// taken to be one to GET. Bytes behind its end are not looked at.
enum http_state
http_parse(struct arena *arena, struct str bytes, bool ended, struct http_answer *out);

// The status alone, as soon as the head is whole: HTTP_DONE then, whatever the body will be.
enum http_state
http_status(struct str bytes, unsigned *status);

// The value of the first field of this name (in any case), trimmed; empty if there is none.
struct str
http_header(const struct http_answer *answer, struct str name);

#endif
