#ifndef MOORAGE_DECODE_HTTP_URL_H
#define MOORAGE_DECODE_HTTP_URL_H

// URLs as http.sys, the HTTP server of Windows, has them, and what netsh prints of its request queues.
// Source: learn.microsoft.com/windows/win32/http/urlprefix-strings; outputs of netsh that people posted.

#include "base/arena.h"
#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

// The port of "http://+:80/", "HTTPS://[::1]:443/x", "HTTP://127.0.0.1:80:127.0.0.1/" (the address that it is bound to
// stands behind the port). A prefix always names its port.
bool
http_url_port(struct str url, uint16_t *port);

// Appends the URL to host->http_urls, or gives the one that is there already: letters count as equal in both cases. NULL
// where the text is none.
struct http_url *
http_url_add(struct arena *arena, struct str url, struct host *host);

// Appends the URLs that `netsh http show servicestate view=requestq verbose=yes` printed to host->http_urls, with the
// processes and the name of their queue. The text is in the user's language, so only indentation, URLs, lines that are
// numbers and what stands behind a colon is read. A queue without a name is printed with a sentence in its place, which is
// taken for no name: it ends in a full stop, or stands there for several queues.
void
http_url_read_queues(struct arena *arena, struct str text, struct host *host);

#endif
