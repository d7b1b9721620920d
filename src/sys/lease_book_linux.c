#include "sys/lease_book.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "decode/proc.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/file_linux.h"
#include "sys/folder.h"

enum {
    NAME_LONGEST = 255,
    OWN_NAMES = 10,         // tried for the own subfolder: others may have made one by this name
    ENTRIES_MOST = 1 << 18, // of one user, who could fill the folder to keep others busy
    LOCKS_LIMIT = 1 << 20,
    WAKE_MS = 250,
};

#define PREFIX "leases."
#define UNFINISHED "unfinished"

struct lease_book {
    struct arena *arena;
    const char *path;
    enum lease_book_make make;
    int fd;                     // of the folder; it carries the lock
    int own_fd;                 // of the own subfolder, -1: not there yet
    char own[NAME_LONGEST + 1]; // its name
};

static enum err_kind
kind_of(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_NOT_ALLOWED;
    case ENOENT:
        return ERR_GONE;
    default:
        return ERR_SYSTEM;
    }
}

// The header that declares flock() has the name of one of ours, which stands before it.
static int
lock(int fd, int how)
{
    return (int)syscall(SYS_flock, fd, how);
}

static bool
refuse(struct err *err, int error, const char *doing, const struct lease_book *book)
{
    return err_set(err, kind_of(error), (unsigned long)error, "%s in %s: %s", doing, book->path, strerror(error));
}

static void
close_folders(struct lease_book *book)
{
    if (book->own_fd >= 0)
        close(book->own_fd);
    if (book->fd >= 0)
        close(book->fd);
    book->own_fd = -1;
    book->fd = -1;
}

static int
open_folder(int at, const char *name, bool follow)
{
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW));
}

// The mode is set behind the back of the umask, and only on a folder that this call made.
static bool
make_shared(const char *path)
{
    return mkdir(path, 0700) == 0 && chmod(path, 01777) == 0;
}

static bool
open_book(struct lease_book *book, struct err *err)
{
    book->fd = open_folder(AT_FDCWD, book->path, true);
    if (book->fd < 0 && errno == ENOENT && book->make != LEASE_BOOK_AS_IS) {
        if (!(book->make == LEASE_BOOK_SHARED && make_shared(book->path)) &&
            !folder_make(book->arena, str_of(book->path), err))
            return false;
        book->fd = open_folder(AT_FDCWD, book->path, true);
    }
    if (book->fd < 0) {
        int error = errno;
        return err_set(err, kind_of(error), (unsigned long)error, "open the folder %s: %s", book->path,
                       strerror(error));
    }
    return true;
}

bool
lease_book_open(struct arena *arena, struct str folder, enum lease_book_make make, struct lease_book **out,
                struct err *err)
{
    struct lease_book *book = arena_alloc(arena, sizeof *book);

    *book = (struct lease_book){.arena = arena, .path = str_c(arena, folder), .make = make, .fd = -1, .own_fd = -1};
    *out = book;
    return open_book(book, err);
}

static void
ignore_signal(int number)
{
    (void)number;
}

// Waits for the lock at most until the clock says `end_us`. Nothing but a signal ends a call of flock() early; the timer
// sends it again and again, since the first could come before the call.
static int
wait_for_lock(int fd, int64_t end_us)
{
    struct sigaction wake = {.sa_handler = ignore_signal};
    struct sigaction before;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    struct itimerspec period = {.it_interval = {.tv_nsec = WAKE_MS * 1000000},
                                .it_value = {.tv_nsec = WAKE_MS * 1000000}};
    sigset_t alarm;
    sigset_t mask;
    timer_t timer;
    int error = 0;

    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0)
        return errno;
    sigaction(SIGALRM, &wake, &before);
    sigprocmask(SIG_UNBLOCK, &alarm, &mask);
    timer_settime(timer, 0, &period, NULL);
    while (lock(fd, LOCK_EX) < 0) {
        error = errno;
        if (error != EINTR)
            break;
        error = ETIMEDOUT;
        if (clock_mono_us() >= end_us)
            break;
        error = 0;
    }
    timer_delete(timer);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    sigaction(SIGALRM, &before, NULL);
    return error;
}

// The process that has the lock, out of /proc/locks; 0 = it can't be told.
static uint32_t
find_locker(const struct lease_book *book)
{
    struct stat facts;
    struct str rest;
    struct str line;
    struct proc_lock lock;

    if (fstat(book->fd, &facts) < 0 || !file_read(book->arena, "/proc/locks", LOCKS_LIMIT, false, &rest, NULL))
        return 0;
    while (str_cut(&rest, '\n', &line))
        if (proc_parse_lock(line, &lock) && lock.inode == facts.st_ino && lock.major == major(facts.st_dev) &&
            lock.minor == minor(facts.st_dev))
            return lock.pid;
    return 0;
}

static bool
fail_lock(const struct lease_book *book, int error, unsigned deadline_ms, struct err *err)
{
    uint32_t pid = error == ETIMEDOUT ? find_locker(book) : 0;

    if (pid)
        return err_set(err, ERR_TIMEOUT, ETIMEDOUT, "lock the leases in %s: process %u has kept them locked for %u s",
                       book->path, (unsigned)pid, deadline_ms / 1000);
    if (error == ETIMEDOUT)
        return err_set(err, ERR_TIMEOUT, ETIMEDOUT, "lock the leases in %s: they have been locked for %u s", book->path,
                       deadline_ms / 1000);
    return refuse(err, error, "lock the leases", book);
}

// Whether the folder that is open is still the one that has the name.
static bool
is_in_place(const struct lease_book *book)
{
    struct stat open;
    struct stat named;
    return fstat(book->fd, &open) == 0 && stat(book->path, &named) == 0 && open.st_dev == named.st_dev &&
           open.st_ino == named.st_ino;
}

// The first folder of a fitting name that is this user's own.
static void
find_own(struct lease_book *book)
{
    struct stat facts;

    for (int i = 0; i < OWN_NAMES && book->own_fd < 0; i++) {
        (void)snprintf(book->own, sizeof book->own, i ? PREFIX "%u.%d" : PREFIX "%u", (unsigned)geteuid(), i);
        int fd = open_folder(book->fd, book->own, false);
        if (fd >= 0 && fstat(fd, &facts) == 0 && facts.st_uid == geteuid())
            book->own_fd = fd;
        else if (fd >= 0)
            close(fd);
        else if (errno == ENOENT)
            return;
    }
}

bool
lease_book_lock(struct lease_book *book, unsigned deadline_ms, struct err *err)
{
    int64_t end_us = clock_mono_us() + (int64_t)deadline_ms * 1000;

    for (;;) {
        int error = 0;
        if (lock(book->fd, LOCK_EX | LOCK_NB) < 0)
            error = errno == EWOULDBLOCK ? wait_for_lock(book->fd, end_us) : errno;
        if (error)
            return fail_lock(book, error, deadline_ms, err);
        if (is_in_place(book))
            return true;
        close_folders(book);
        if (!open_book(book, err))
            return false;
    }
}

void
lease_book_close(struct lease_book *book)
{
    if (book)
        close_folders(book);
}

bool
lease_book_is_writable(struct lease_book *book)
{
    find_own(book);
    return faccessat(book->own_fd >= 0 ? book->own_fd : book->fd, ".", W_OK | X_OK, AT_EACCESS) == 0;
}

struct str
lease_book_own_folder(struct lease_book *book)
{
    find_own(book);
    return book->own_fd >= 0 ? str_of(book->own) : (struct str){0};
}

static bool
make_own(struct lease_book *book, struct err *err)
{
    find_own(book);
    if (book->own_fd >= 0)
        return true;
    // find_own() stopped at a name that is free.
    if (mkdirat(book->fd, book->own, 0755) < 0)
        return refuse(err, errno, "make a folder for leases", book);
    book->own_fd = open_folder(book->fd, book->own, false);
    if (book->own_fd < 0 || fchmod(book->own_fd, 0755) < 0)
        return refuse(err, errno, "open the folder for leases", book);
    (void)fsync(book->fd);
    return true;
}

// Adds what stands in one user's subfolder. `fd` is closed.
static void
list_folder(struct arena *arena, int fd, struct str folder, struct lease_entry_list *out)
{
    struct stat facts;
    struct dirent *item;
    uid_t self = geteuid();
    DIR *stream = fstat(fd, &facts) == 0 ? fdopendir(fd) : NULL;
    if (!stream) {
        close(fd);
        return;
    }
    for (int count = 0; count < ENTRIES_MOST && (item = readdir(stream)); count++) {
        if (item->d_name[0] == '.' || strcmp(item->d_name, UNFINISHED) == 0)
            continue;
        *LIST_ADD(arena, out) = (struct lease_entry){
            .owner = facts.st_uid,
            .own = facts.st_uid == self,
            .folder = folder,
            .name = str_copy(arena, str_of(item->d_name)),
        };
    }
    closedir(stream);
}

bool
lease_book_list(struct arena *arena, struct lease_book *book, struct lease_entry_list *out, struct err *err)
{
    struct dirent *item;
    int fd = open_folder(book->fd, ".", false);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (!stream) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return refuse(err, error, "list the leases", book);
    }
    while ((item = readdir(stream))) {
        if (strncmp(item->d_name, PREFIX, sizeof PREFIX - 1) != 0)
            continue;
        int folder = open_folder(book->fd, item->d_name, false);
        if (folder >= 0)
            list_folder(arena, folder, str_copy(arena, str_of(item->d_name)), out);
    }
    closedir(stream);
    return true;
}

static const char *
path_of(struct arena *arena, const struct lease_entry *entry)
{
    return str_c(arena, str_printf(arena, "%.*s/%.*s", STR_ARG(entry->folder), STR_ARG(entry->name)));
}

bool
lease_book_read(struct arena *arena, struct lease_book *book, const struct lease_entry *entry, struct str *bytes,
                struct err *err)
{
    bool good = false;
    int error = 0;
    struct stat facts;
    int fd = openat(book->fd, path_of(arena, entry), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || fstat(fd, &facts) < 0) {
        refuse(err, errno, "read a lease", book);
        goto out;
    }
    // A hard link would show the file of somebody else under this user's name.
    if (!S_ISREG(facts.st_mode) || facts.st_uid != entry->owner || facts.st_size > LEASE_BOOK_LARGEST) {
        err_set(err, ERR_FORMAT, 0, "read a lease in %s: '%.*s' is not a file of its owner", book->path,
                STR_ARG(entry->name));
        goto out;
    }
    good = file_read_open(arena, fd, LEASE_BOOK_LARGEST, bytes, &error);
    if (!good)
        refuse(err, error, "read a lease", book);
out:
    if (fd >= 0)
        close(fd);
    return good;
}

// A full disk can show at any of these steps.
static bool
fill(int fd, struct str bytes, bool lasting)
{
    while (bytes.len) {
        ssize_t put = write(fd, bytes.ptr, bytes.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        bytes = str_part(bytes, (size_t)put, SIZE_MAX);
    }
    return fchmod(fd, 0644) == 0 && (!lasting || fsync(fd) == 0);
}

static bool
fail_gone(const struct lease_book *book, struct err *err)
{
    return err_set(err, ERR_GONE, ENOENT, "keep a lease in %s: the folder was removed or replaced meanwhile",
                   book->path);
}

bool
lease_book_write(struct lease_book *book, struct str name, struct str bytes, bool lasting, struct err *err)
{
    int error = 0;
    int fd = -1;

    if (!make_own(book, err))
        return false;
    // What is left of a writer that was killed: nobody else writes here while the book is locked.
    if (unlinkat(book->own_fd, UNFINISHED, 0) < 0 && errno != ENOENT)
        return refuse(err, errno, "keep a lease", book);
    fd = openat(book->own_fd, UNFINISHED, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    bool good = fd >= 0 && fill(fd, bytes, lasting);
    if (!good)
        error = errno;
    if (fd >= 0 && close(fd) < 0 && good) {
        error = errno;
        good = false;
    }
    if (good && renameat(book->own_fd, UNFINISHED, book->own_fd, str_c(book->arena, name)) < 0) {
        error = errno;
        good = false;
    }
    if (!good) {
        unlinkat(book->own_fd, UNFINISHED, 0);
        return error == ENOENT ? fail_gone(book, err) : refuse(err, error, "keep a lease", book);
    }
    if (lasting)
        (void)fsync(book->own_fd);
    return is_in_place(book) || fail_gone(book, err);
}

bool
lease_book_rename(struct lease_book *book, struct str from, struct str to, struct err *err)
{
    int error = 0;

    if (!make_own(book, err))
        return false;
    const char *target = str_c(book->arena, to);
    if (from.len) {
        error = renameat(book->own_fd, str_c(book->arena, from), book->own_fd, target) < 0 ? errno : 0;
    } else {
        int fd = openat(book->own_fd, target, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
        error = fd < 0 ? errno : 0;
        if (fd >= 0)
            close(fd);
    }
    if (error == ENOENT)
        return fail_gone(book, err);
    return error == 0 || refuse(err, error, "keep a lease", book);
}

bool
lease_book_remove(struct lease_book *book, const struct lease_entry *entry, struct err *err)
{
    if (unlinkat(book->fd, path_of(book->arena, entry), 0) == 0 || errno == ENOENT)
        return true;
    return refuse(err, errno, "end a lease", book);
}
