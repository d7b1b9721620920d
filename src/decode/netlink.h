#ifndef MOORAGE_DECODE_NETLINK_H
#define MOORAGE_DECODE_NETLINK_H

// Netlink messages and their attributes (netlink(7), RFC 3549 section 2.3), looked at and built as bytes.
// Invariants: nothing outside of the given bytes is read, whatever lengths they claim; numbers are in the byte order of
// the machine that made the bytes, unless a name says `be`. Only Linux has netlink.

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

// Message types below 16 are the same for every family (linux/netlink.h).
enum {
    NETLINK_NOOP = 1,
    NETLINK_ERROR = 2, // carries a negative errno; 0 is an acknowledgement
    NETLINK_DONE = 3,  // the end of a dump; carries 0 or a negative errno
};

// Flags of a message (linux/netlink.h).
enum {
    NETLINK_REQUEST = 0x01,
    NETLINK_MULTI = 0x02, // one of several, which a NETLINK_DONE ends
    NETLINK_ACK = 0x04,
    NETLINK_INTERRUPTED = 0x10, // the table changed during the dump: it may be incoherent
    NETLINK_DUMP = 0x300,
};

struct netlink_message {
    uint16_t type;
    uint16_t flags;
    uint32_t sequence;
    struct str payload;
};

struct netlink_attribute {
    uint16_t type; // without the flags for "nested" and "network byte order"
    struct str value;
};

// Cuts the next message off `rest`. False at the end, and when what is left is no whole message.
bool
netlink_next(struct str *rest, struct netlink_message *out);

// Cuts the next attribute off `rest`. False at the end, and when what is left is no whole attribute.
bool
netlink_next_attribute(struct str *rest, struct netlink_attribute *out);

// The first attribute of this type in `attributes`.
bool
netlink_find(struct str attributes, uint16_t type, struct str *value);

// The number in the first attribute of this type; 0 when there is none or it is too short.
uint32_t
netlink_find_be32(struct str attributes, uint16_t type);

// Skips `size` bytes of a fixed header, rounded up as netlink aligns it. False when there are fewer.
bool
netlink_skip(struct str *rest, size_t size);

// The errno, as a positive number, that an ERROR or DONE message carries; 0 for none and for other messages.
unsigned
netlink_error(const struct netlink_message *message);

// The number that stands `at` bytes into `value`. False, and `out` untouched, when `value` ends before it does.
bool
netlink_u8(struct str value, size_t at, uint8_t *out);
bool
netlink_u16(struct str value, size_t at, uint16_t *out);
bool
netlink_u32(struct str value, size_t at, uint32_t *out);
bool
netlink_u64(struct str value, size_t at, uint64_t *out);
bool
netlink_be16(struct str value, size_t at, uint16_t *out);
bool
netlink_be32(struct str value, size_t at, uint32_t *out);

// The text of an attribute without the NUL that may end it.
struct str
netlink_text(struct str value);

// Building: a message begins with its header, gets its fixed part and attributes, and is ended, which writes its length.
// `begin` gives where it starts, for `end`. Several messages may stand in one buffer.
size_t
netlink_begin(struct buf *out, uint16_t type, uint16_t flags, uint32_t sequence);
void
netlink_end(struct buf *out, size_t start);

// Appends bytes as they are, or a number in the machine's byte order.
void
netlink_add_u8(struct buf *out, uint8_t value);
void
netlink_add_u16(struct buf *out, uint16_t value);
void
netlink_add_u32(struct buf *out, uint32_t value);
void
netlink_add_be16(struct buf *out, uint16_t value);

// Appends an attribute, padded to four bytes.
void
netlink_add_attribute(struct buf *out, uint16_t type, struct str value);

#endif
