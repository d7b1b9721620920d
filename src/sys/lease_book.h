#ifndef MOORAGE_SYS_LEASE_BOOK_H
#define MOORAGE_SYS_LEASE_BOOK_H

// Where claims to ports stand: small files in a folder that several users may share and none of them need trust. Each user
// has a subfolder ("leases.1000") that only he can write and all can read; an entry's owner is the owner of its file.
// Invariants: who writes holds the lock of the folder. An entry appears, changes and goes as a whole: whoever is killed on the way
// leaves the entry as it was. What is written stands in the folder that has the name now: where the folder was replaced or
// removed meanwhile, writing fails with ERR_GONE. Nothing that others wrote is trusted: links, pipes and files of somebody else
// are passed over, and a file has at most LEASE_BOOK_LARGEST bytes.
// How the systems differ: Linux locks the folder itself (flock(2)), which nobody can take away from a folder that root made;
// Windows locks a file in it (LockFileEx). Both queue those who wait.

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEASE_BOOK_LARGEST 8192

struct lease_book;

enum lease_book_make {
    LEASE_BOOK_AS_IS,   // a folder that is not there is an error (ERR_GONE)
    LEASE_BOOK_PRIVATE, // is made for its user alone
    LEASE_BOOK_SHARED,  // is made for all users (mode 1777)
};

struct lease_entry {
    uint32_t owner;    // whose it is
    bool own;          // it is this user's
    struct str folder; // of its owner, within the book
    struct str name;
};

struct lease_entry_list {
    LIST_OF(struct lease_entry);
};

// Opens the folder; nothing is locked yet. The book lives in the arena but must be closed.
bool
lease_book_open(struct arena *arena, struct str folder, enum lease_book_make make, struct lease_book **out,
                struct err *err);

// Waits for the lock of the folder, in the order of arrival, for at most that long (ERR_TIMEOUT, which names the process that
// has it where that can be told). The lock ends with the book or the process.
bool
lease_book_lock(struct lease_book *book, unsigned deadline_ms, struct err *err);

// Unlocks and closes; NULL is fine.
void
lease_book_close(struct lease_book *book);

// Whether this user may add entries.
bool
lease_book_is_writable(struct lease_book *book);

// The name of this user's subfolder, as its entries have it; empty while there is none.
struct str
lease_book_own_folder(struct lease_book *book);

// All entries of all users; files that another write left unfinished are none.
bool
lease_book_list(struct arena *arena, struct lease_book *book, struct lease_entry_list *out, struct err *err);

// The bytes of an entry. ERR_GONE: there is no such entry any more; ERR_FORMAT: it is nothing that may be read.
bool
lease_book_read(struct arena *arena, struct lease_book *book, const struct lease_entry *entry, struct str *bytes,
                struct err *err);

// Makes or replaces an entry of this user's. `lasting`: it must outlive a loss of power too.
bool
lease_book_write(struct lease_book *book, struct str name, struct str bytes, bool lasting, struct err *err);

// Gives an entry of this user's another name; writes nothing, so that it needs no space. `from` empty: the entry is made.
bool
lease_book_rename(struct lease_book *book, struct str from, struct str to, struct err *err);

// Fine where it is gone already.
bool
lease_book_remove(struct lease_book *book, const struct lease_entry *entry, struct err *err);

#endif
