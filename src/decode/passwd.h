#ifndef MOORAGE_DECODE_PASSWD_H
#define MOORAGE_DECODE_PASSWD_H

// Lines of /etc/passwd (passwd(5)): name:password:uid:gid:comment:home:shell. Lines that are no such line are passed over.
// Only Linux has this file.

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

// The first name with this number, as a view into `file`; false if there is none.
bool
passwd_name(struct str file, uint32_t uid, struct str *name);

// The number of this name; false if there is none.
bool
passwd_uid(struct str file, struct str name, uint32_t *uid);

// Whether a uid_map (user_namespaces(7): first inside, first outside, count) has a number for every user there is.
bool
passwd_maps_all(struct str map);

#endif
