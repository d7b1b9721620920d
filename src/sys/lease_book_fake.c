#include "sys/lease_book.h"

#include "decode/lease_record.h"
#include "sys/fake_host.h"

// Books in memory, which begin with the leases of the fake host in the book of its machine, or in the only one there is. A
// folder that nobody made is not there.

struct fake_entry {
    struct str book;
    uint32_t owner;
    struct str name;
    struct str bytes;
};

static struct {
    struct arena *arena;
    unsigned loads; // of the fake host that the entries belong to
    struct {
        LIST_OF(struct fake_entry);
    } entries;
    struct str_list folders;
} books;

struct lease_book {
    struct str folder;
};

static bool
has_folder(struct str folder)
{
    for (size_t i = 0; i < books.folders.count; i++)
        if (str_equal(books.folders.items[i], folder))
            return true;
    return false;
}

static void
add_folder(struct str folder)
{
    if (!has_folder(folder))
        *LIST_ADD(books.arena, &books.folders) = str_copy(books.arena, folder);
}

static struct fake_entry *
find_entry(struct str book, uint32_t owner, struct str name)
{
    for (size_t i = 0; i < books.entries.count; i++) {
        struct fake_entry *entry = &books.entries.items[i];
        if (entry->owner == owner && str_equal(entry->book, book) && str_equal(entry->name, name))
            return entry;
    }
    return NULL;
}

static void
put_entry(struct str book, uint32_t owner, struct str name, struct str bytes)
{
    struct fake_entry *entry = find_entry(book, owner, name);

    if (!entry)
        entry = LIST_ADD(books.arena, &books.entries);
    *entry = (struct fake_entry){book, owner, str_copy(books.arena, name), str_copy(books.arena, bytes)};
}

static void
remove_entry(struct fake_entry *entry)
{
    *entry = books.entries.items[--books.entries.count];
}

static void
seed(struct str folder)
{
    const struct host *host = fake_host();

    for (size_t i = 0; i < host->leases.count; i++) {
        const struct lease *lease = &host->leases.items[i];
        struct lease_key key = {.protocol = lease->protocol, .port = lease->port};
        if (lease->name.len)
            key.key = lease_record_key(lease->project, lease->name);
        else
            key.ends = (uint64_t)(lease->taken_up + lease->ttl_ms);
        struct str name = lease_record_format_name(books.arena, &key);
        put_entry(folder, lease->owner, name,
                  lease->damaged ? STR("damaged") : lease_record_format(books.arena, lease));
    }
}

static void
begin(struct str folder)
{
    unsigned loads = fake_host_load_count();

    if (books.arena && books.loads == loads)
        return;
    if (!books.arena)
        books.arena = arena_open();
    books.entries.count = 0;
    books.folders.count = 0;
    books.loads = loads;
    if (fake_host()->leases.count == 0)
        return;
    folder = str_copy(books.arena, folder);
    add_folder(folder);
    seed(folder);
}

bool
lease_book_open(struct arena *arena, struct str folder, enum lease_book_make make, struct lease_book **out,
                struct err *err)
{
    struct lease_book *book = arena_alloc(arena, sizeof *book);

    *out = book;
    if (!fake_host_call("lease_book_open", err))
        return false;
    begin(folder);
    book->folder = str_copy(books.arena, folder);
    if (make != LEASE_BOOK_AS_IS)
        add_folder(folder);
    return has_folder(folder) || err_set(err, ERR_GONE, 0, "open the folder %.*s: it is not there", STR_ARG(folder));
}

bool
lease_book_lock(struct lease_book *book, unsigned deadline_ms, struct err *err)
{
    (void)book;
    (void)deadline_ms;
    return fake_host_call("lease_book_lock", err);
}

void
lease_book_close(struct lease_book *book)
{
    (void)book;
}

bool
lease_book_is_writable(struct lease_book *book)
{
    (void)book;
    return fake_host_call_known("lease_book_is_writable") == KNOWN_YES;
}

static struct str
folder_of(struct arena *arena, uint32_t owner)
{
    return str_printf(arena, "leases.%u", (unsigned)owner);
}

struct str
lease_book_own_folder(struct lease_book *book)
{
    (void)book;
    return folder_of(books.arena, fake_host()->uid);
}

bool
lease_book_list(struct arena *arena, struct lease_book *book, struct lease_entry_list *out, struct err *err)
{
    if (!fake_host_call("lease_book_list", err))
        return false;
    for (size_t i = 0; i < books.entries.count; i++) {
        const struct fake_entry *entry = &books.entries.items[i];
        if (str_equal(entry->book, book->folder))
            *LIST_ADD(arena, out) = (struct lease_entry){
                .owner = entry->owner,
                .own = entry->owner == fake_host()->uid,
                .folder = folder_of(arena, entry->owner),
                .name = entry->name,
            };
    }
    return true;
}

bool
lease_book_read(struct arena *arena, struct lease_book *book, const struct lease_entry *entry, struct str *bytes,
                struct err *err)
{
    if (!fake_host_call("lease_book_read", err))
        return false;
    const struct fake_entry *found = find_entry(book->folder, entry->owner, entry->name);
    if (!found)
        return err_set(err, ERR_GONE, 0, "read a lease: it is not there");
    *bytes = str_copy(arena, found->bytes);
    return true;
}

bool
lease_book_write(struct lease_book *book, struct str name, struct str bytes, bool lasting, struct err *err)
{
    (void)lasting;
    if (!fake_host_call("lease_book_write", err))
        return false;
    put_entry(book->folder, fake_host()->uid, name, bytes);
    return true;
}

bool
lease_book_rename(struct lease_book *book, struct str from, struct str to, struct err *err)
{
    if (!fake_host_call("lease_book_rename", err))
        return false;
    struct fake_entry *entry = from.len ? find_entry(book->folder, fake_host()->uid, from) : NULL;
    if (entry)
        entry->name = str_copy(books.arena, to);
    else
        put_entry(book->folder, fake_host()->uid, to, STR(""));
    return true;
}

bool
lease_book_remove(struct lease_book *book, const struct lease_entry *entry, struct err *err)
{
    if (!fake_host_call("lease_book_remove", err))
        return false;
    struct fake_entry *found = find_entry(book->folder, entry->owner, entry->name);
    if (found)
        remove_entry(found);
    return true;
}
