#include "sys/lease_book.h"

#include <windows.h>

#include <aclapi.h>

#include "sys/fault_win.h"
#include "sys/folder.h"
#include "sys/sid_win.h"
#include "sys/user.h"
#include "sys/wide_win.h"

enum {
    OWN_NAMES = 10,         // tried for the own subfolder: others may have made one by this name
    ENTRIES_MOST = 1 << 18, // of one user, who could fill the folder to keep others busy
};

#define PREFIX "leases."
#define UNFINISHED "unfinished"
#define LOCK "lock"
#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

struct lease_book {
    struct arena *arena;
    struct str path;
    struct str own; // name of the own subfolder
    bool has_own;   // it is there
    uint32_t uid;
    HANDLE lock;
};

static struct str
join(struct arena *arena, struct str folder, struct str name)
{
    return str_printf(arena, "%.*s\\%.*s", STR_ARG(folder), STR_ARG(name));
}

// Whose file or folder this is; a link is nobody's.
static bool
owner_of(struct arena *arena, struct str path, bool folder, uint32_t *uid)
{
    BY_HANDLE_FILE_INFORMATION facts;
    PSECURITY_DESCRIPTOR security = NULL;
    PSID sid = NULL;
    HANDLE file = CreateFileW(wide_path(arena, path), READ_CONTROL | FILE_READ_ATTRIBUTES, SHARE_ALL, NULL,
                              OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return false;
    bool good = GetFileInformationByHandle(file, &facts) && !(facts.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) &&
                folder == ((facts.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0) &&
                GetSecurityInfo(file, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, &sid, NULL, NULL, NULL, &security) ==
                    ERROR_SUCCESS;
    if (good)
        *uid = sid_number(sid);
    if (security)
        LocalFree(security);
    CloseHandle(file);
    return good;
}

// What an elevated program makes belongs to the administrators as a group, and so counts as its own.
static bool
is_own(const struct lease_book *book, uint32_t uid)
{
    BYTE sid[SECURITY_MAX_SID_SIZE];
    DWORD size = sizeof sid;
    if (uid == book->uid)
        return true;
    return user_self().admin && CreateWellKnownSid(WinBuiltinAdministratorsSid, NULL, sid, &size) &&
           uid == sid_number(sid);
}

bool
lease_book_open(struct arena *arena, struct str folder, enum lease_book_make make, struct lease_book **out,
                struct err *err)
{
    struct lease_book *book = arena_alloc(arena, sizeof *book);

    *book = (struct lease_book){.arena = arena, .path = folder, .uid = user_self().uid, .lock = INVALID_HANDLE_VALUE};
    *out = book;
    // A folder in %ProgramData% lets every user add what is then his own; one in the user's profile is his alone.
    if (make != LEASE_BOOK_AS_IS)
        return folder_make(arena, folder, err);
    DWORD attributes = GetFileAttributesW(wide_path(arena, folder));
    if (attributes == INVALID_FILE_ATTRIBUTES)
        return fault_set(err, GetLastError(), "open the folder %.*s", STR_ARG(folder));
    return attributes & FILE_ATTRIBUTE_DIRECTORY ||
           fault_set(err, ERROR_DIRECTORY, "open the folder %.*s", STR_ARG(folder));
}

// Made by whoever is first; to lock it, the right to read is enough. Without FILE_SHARE_DELETE nobody removes the folder
// while it is open.
static bool
open_lock(struct lease_book *book, struct err *err)
{
    const wchar_t *path = wide_path(book->arena, join(book->arena, book->path, STR(LOCK)));
    DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE;
    DWORD flags = FILE_FLAG_OPEN_REPARSE_POINT;
    book->lock = CreateFileW(path, GENERIC_READ, share, NULL, OPEN_EXISTING, flags, NULL);
    if (book->lock == INVALID_HANDLE_VALUE && GetLastError() == ERROR_FILE_NOT_FOUND)
        book->lock = CreateFileW(path, GENERIC_READ | GENERIC_WRITE, share, NULL, OPEN_ALWAYS, flags, NULL);
    return book->lock != INVALID_HANDLE_VALUE ||
           fault_set(err, GetLastError(), "lock the leases in %.*s", STR_ARG(book->path));
}

// One wait for the lock, shared by the program and the thread that waits. Who is the last to know of it closes it.
struct waiting {
    struct arena *arena; // it lives in
    HANDLE file;
    DWORD code;
    volatile LONG state;
};

enum {
    WAITING,
    ANSWERED,  // by the thread
    ABANDONED, // by the program: the file is the thread's now
};

static DWORD
take_lock(HANDLE file, DWORD flags)
{
    OVERLAPPED start = {0};
    return LockFileEx(file, LOCKFILE_EXCLUSIVE_LOCK | flags, 0, 1, 0, &start) ? ERROR_SUCCESS : GetLastError();
}

static DWORD WINAPI
wait_for_lock(void *context)
{
    struct waiting *waiting = context;
    waiting->code = take_lock(waiting->file, 0);
    if (InterlockedCompareExchange(&waiting->state, ANSWERED, WAITING) == ABANDONED) {
        CloseHandle(waiting->file);
        arena_close(waiting->arena);
    }
    return 0;
}

// The wait itself has no deadline, so that a thread does it: overlapped, Windows would queue it just so, but Wine never ends
// such a wait.
static DWORD
lock_in_time(struct lease_book *book, unsigned deadline_ms)
{
    struct arena *arena = arena_open();
    struct waiting *waiting = arena_alloc(arena, sizeof *waiting);
    *waiting = (struct waiting){.arena = arena, .file = book->lock};
    HANDLE thread = CreateThread(NULL, 0, wait_for_lock, waiting, 0, NULL);
    if (!thread) {
        DWORD code = GetLastError();
        arena_close(arena);
        return code;
    }
    (void)WaitForSingleObject(thread, deadline_ms);
    CloseHandle(thread);
    if (InterlockedCompareExchange(&waiting->state, ABANDONED, WAITING) == WAITING) {
        book->lock = INVALID_HANDLE_VALUE;
        return WAIT_TIMEOUT;
    }
    DWORD code = waiting->code;
    arena_close(arena);
    return code;
}

bool
lease_book_lock(struct lease_book *book, unsigned deadline_ms, struct err *err)
{
    if (!open_lock(book, err))
        return false;
    DWORD code = take_lock(book->lock, LOCKFILE_FAIL_IMMEDIATELY);
    if (code == ERROR_LOCK_VIOLATION || code == ERROR_IO_PENDING)
        code = lock_in_time(book, deadline_ms);
    if (code == WAIT_TIMEOUT)
        return err_set(err, ERR_TIMEOUT, code, "lock the leases in %.*s: they have been locked for %u s",
                       STR_ARG(book->path), deadline_ms / 1000);
    return code == ERROR_SUCCESS || fault_set(err, code, "lock the leases in %.*s", STR_ARG(book->path));
}

void
lease_book_close(struct lease_book *book)
{
    if (!book || book->lock == INVALID_HANDLE_VALUE)
        return;
    CloseHandle(book->lock);
    book->lock = INVALID_HANDLE_VALUE;
}

// The first folder of a fitting name that is this user's own; else a name that is free.
static void
find_own(struct lease_book *book)
{
    uint32_t uid;

    for (int i = 0; i < OWN_NAMES && !book->has_own; i++) {
        book->own = i ? str_printf(book->arena, PREFIX "%u.%d", (unsigned)book->uid, i)
                      : str_printf(book->arena, PREFIX "%u", (unsigned)book->uid);
        struct str path = join(book->arena, book->path, book->own);
        if (folder_look(book->arena, path) == KNOWN_GONE)
            return;
        book->has_own = owner_of(book->arena, path, true, &uid) && is_own(book, uid);
    }
}

// Windows tells by trying alone.
bool
lease_book_is_writable(struct lease_book *book)
{
    find_own(book);
    return book->has_own || folder_make(book->arena, join(book->arena, book->path, book->own), NULL);
}

struct str
lease_book_own_folder(struct lease_book *book)
{
    find_own(book);
    return book->has_own ? book->own : (struct str){0};
}

static bool
make_own(struct lease_book *book, struct err *err)
{
    find_own(book);
    if (!book->has_own)
        book->has_own = folder_make(book->arena, join(book->arena, book->path, book->own), err);
    return book->has_own;
}

// Calls `each` for the names that stand in the folder.
static bool
walk(struct lease_book *book, struct str folder, void (*each)(void *state, struct str name), void *state)
{
    WIN32_FIND_DATAW found;
    HANDLE search = FindFirstFileW(wide_path(book->arena, join(book->arena, folder, STR("*"))), &found);
    if (search == INVALID_HANDLE_VALUE)
        return GetLastError() == ERROR_FILE_NOT_FOUND;
    int count = 0;
    do {
        struct str name = wide_to_z(book->arena, found.cFileName);
        if (!str_starts(name, STR(".")) && !str_equal(name, STR(UNFINISHED)))
            each(state, name);
    } while (++count < ENTRIES_MOST && FindNextFileW(search, &found));
    FindClose(search);
    return true;
}

struct listing {
    struct arena *arena;
    struct lease_book *book;
    struct lease_entry_list *out;
    struct str folder; // the one that is listed
    uint32_t owner;
};

static void
add_entry(void *state, struct str name)
{
    struct listing *listing = state;
    *LIST_ADD(listing->arena, listing->out) = (struct lease_entry){
        .owner = listing->owner,
        .own = is_own(listing->book, listing->owner),
        .folder = listing->folder,
        .name = name,
    };
}

static void
add_folder(void *state, struct str name)
{
    struct listing *listing = state;
    struct str path = join(listing->arena, listing->book->path, name);
    if (!str_starts(name, STR(PREFIX)) || !owner_of(listing->arena, path, true, &listing->owner))
        return;
    listing->folder = name;
    (void)walk(listing->book, path, add_entry, listing);
}

bool
lease_book_list(struct arena *arena, struct lease_book *book, struct lease_entry_list *out, struct err *err)
{
    struct listing listing = {.arena = arena, .book = book, .out = out};
    return walk(book, book->path, add_folder, &listing) ||
           fault_set(err, GetLastError(), "list the leases in %.*s", STR_ARG(book->path));
}

static struct str
path_of(struct arena *arena, const struct lease_book *book, const struct lease_entry *entry)
{
    return join(arena, join(arena, book->path, entry->folder), entry->name);
}

bool
lease_book_read(struct arena *arena, struct lease_book *book, const struct lease_entry *entry, struct str *bytes,
                struct err *err)
{
    char text[LEASE_BOOK_LARGEST + 1];
    struct str path = path_of(arena, book, entry);
    uint32_t owner;
    DWORD got = 0;
    HANDLE file = CreateFileW(wide_path(arena, path), GENERIC_READ, SHARE_ALL, NULL, OPEN_EXISTING,
                              FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return fault_set(err, GetLastError(), "read a lease in %.*s", STR_ARG(book->path));
    bool good = GetFileType(file) == FILE_TYPE_DISK && owner_of(arena, path, false, &owner) && owner == entry->owner &&
                ReadFile(file, text, sizeof text, &got, NULL) && got < sizeof text;
    CloseHandle(file);
    if (!good)
        return err_set(err, ERR_FORMAT, 0, "read a lease in %.*s: '%.*s' is not a file of its owner",
                       STR_ARG(book->path), STR_ARG(entry->name));
    *bytes = str_copy(arena, (struct str){text, got});
    return true;
}

// Others read the file only; it gets its name when it is whole.
static bool
write_file(struct arena *arena, struct str path, struct str bytes, bool lasting, DWORD *code)
{
    DWORD put = 0;
    HANDLE file = CreateFileW(wide_path(arena, path), GENERIC_WRITE, 0, NULL, CREATE_ALWAYS,
                              FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        *code = GetLastError();
        return false;
    }
    bool good = WriteFile(file, bytes.ptr ? bytes.ptr : "", (DWORD)bytes.len, &put, NULL) && put == bytes.len &&
                (!lasting || FlushFileBuffers(file));
    *code = good ? ERROR_SUCCESS : put == bytes.len ? GetLastError() : ERROR_DISK_FULL;
    CloseHandle(file);
    return good;
}

static bool
move(struct lease_book *book, struct str from, struct str to, bool lasting)
{
    struct str folder = join(book->arena, book->path, book->own);
    return MoveFileExW(wide_path(book->arena, join(book->arena, folder, from)),
                       wide_path(book->arena, join(book->arena, folder, to)),
                       MOVEFILE_REPLACE_EXISTING | (lasting ? MOVEFILE_WRITE_THROUGH : 0));
}

static bool
fail_write(const struct lease_book *book, DWORD code, struct err *err)
{
    return fault_set(err, code, "keep a lease in %.*s", STR_ARG(book->path));
}

bool
lease_book_write(struct lease_book *book, struct str name, struct str bytes, bool lasting, struct err *err)
{
    DWORD code = ERROR_SUCCESS;

    if (!make_own(book, err))
        return false;
    struct str unfinished = join(book->arena, join(book->arena, book->path, book->own), STR(UNFINISHED));
    if (!write_file(book->arena, unfinished, bytes, lasting, &code))
        goto failed;
    if (move(book, STR(UNFINISHED), name, lasting))
        return true;
    code = GetLastError();
failed:
    DeleteFileW(wide_path(book->arena, unfinished));
    return fail_write(book, code, err);
}

bool
lease_book_rename(struct lease_book *book, struct str from, struct str to, struct err *err)
{
    DWORD code = ERROR_SUCCESS;

    if (!make_own(book, err))
        return false;
    if (from.len && !move(book, from, to, false))
        code = GetLastError();
    else if (!from.len)
        (void)write_file(book->arena, join(book->arena, join(book->arena, book->path, book->own), to), STR(""), false,
                         &code);
    return code == ERROR_SUCCESS || fail_write(book, code, err);
}

bool
lease_book_remove(struct lease_book *book, const struct lease_entry *entry, struct err *err)
{
    if (DeleteFileW(wide_path(book->arena, path_of(book->arena, book, entry))) ||
        GetLastError() == ERROR_FILE_NOT_FOUND)
        return true;
    return fault_set(err, GetLastError(), "end a lease in %.*s", STR_ARG(book->path));
}
