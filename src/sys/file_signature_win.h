#ifndef MOORAGE_SYS_FILE_SIGNATURE_WIN_H
#define MOORAGE_SYS_FILE_SIGNATURE_WIN_H

// Who signed a file and what the system says of it: a signature within the file, or one in the system's own catalogs, which
// is how most files of Windows are signed. Windows only. Reads the whole file: call it on a worker.

#include "base/arena.h"
#include "decode/host.h"

#include <wchar.h>

struct file_signature {
    enum signature state;
    struct fact signer; // empty where nobody signed
};

void
file_signature_read(struct arena *arena, const wchar_t *path, struct file_signature *out);

// What a result of WinVerifyTrust() means.
enum signature
file_signature_of(long status);

#endif
