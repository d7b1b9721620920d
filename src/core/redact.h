#ifndef MOORAGE_CORE_REDACT_H
#define MOORAGE_CORE_REDACT_H

// Command lines hold secrets. Unless everything is asked for (--full), values that look like secrets are masked; for an
// answer that is to be pasted into an issue (--share), user, home and arguments go too.

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

// The arguments with secret values as "***": the value of options and NAME=VALUE whose name says password, passwd, pwd, token,
// secret, key, credential, auth, cookie ("--password=x", "--password x", "-pSECRET" of mysql), and the password of URLs.
struct str_list
redact_command(struct arena *arena, const struct str_list *command);

// For --share: only the program's own name, and paths without the user's home ("~/src/shop" becomes "~/...").
struct str
redact_path(struct arena *arena, struct str path, struct str home);

#endif
