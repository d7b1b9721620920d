#ifndef MOORAGE_CORE_REDACT_H
#define MOORAGE_CORE_REDACT_H

// Command lines hold secrets. Unless everything is asked for (--full), values that look like secrets are masked; for an
// answer that is to be pasted into an issue (--share), user, home and arguments go too.

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

// The arguments with secret values as "***": the value of options, NAME=VALUE, headers and JSON members whose name says
// password, passwd, pwd, token, secret, key, credential, auth, cookie ("--password=x", "--password x", "-pSECRET" of
// mysql), the password of URLs, and tokens that are marked as such ("ghp_..."). Also inside one argument (sh -c "...").
// It rather masks too much than too little; a secret whose name says nothing stays.
struct str_list
redact_command(struct arena *arena, const struct str_list *command);

// The same of a command line that is one text already, its arguments parted by blanks.
struct str
redact_line(struct arena *arena, struct str line);

// For --share: the path without the user's home ("~/src/shop" becomes "~/..."): `home`, and whatever is a home by its
// place (/home/ann, /Users/ann, C:\Users\ann, /root). Other paths stay.
struct str
redact_path(struct arena *arena, struct str path, struct str home);

#endif
