#ifndef MOORAGE_SYS_CALLS_WIN_H
#define MOORAGE_SYS_CALLS_WIN_H

// How often the dear calls were made in this run. Being frugal is a promise that tests count. Windows only.

struct calls {
    unsigned tables;           // a socket table as a whole
    unsigned process_lists;    // the list of all processes
    unsigned processes_opened; // a process, whether or not it let itself be opened
    unsigned handle_scans;     // a walk through the handles of all processes
};

extern struct calls calls_made;

#endif
