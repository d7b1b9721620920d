#ifndef MOORAGE_DECODE_GIT_H
#define MOORAGE_DECODE_GIT_H

// The few files that tell which branch a git work tree is on (gitrepository-layout(5)). Strict on purpose: the files lie in
// folders of others, and nothing but a branch name or a commit id may come out of them.
// The systems do not differ.

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

// The content of HEAD: "ref: refs/heads/NAME" gives NAME, a commit id its first 12 digits with `detached`. False for
// anything else, also for names that git-check-ref-format(1) forbids and for the stand-in of the reftable format, where
// HEAD is not kept in this file. A view into `text`.
bool
git_parse_head(struct str text, struct str *branch, bool *detached);

// The content of a file `.git` (a linked work tree or a submodule): "gitdir: PATH" gives PATH, absolute or relative to the
// folder of that file. A view into `text`.
bool
git_parse_link(struct str text, struct str *path);

// The way from the folder `from` (absolute) to `to` (absolute or relative to `from`) by "..", by text alone: "../../x/y".
// False when `from` is not absolute, or the way would be longer than 64 steps.
bool
git_way(struct arena *arena, struct str from, struct str to, struct str *out);

#endif
