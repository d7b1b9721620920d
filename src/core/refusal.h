#ifndef MOORAGE_CORE_REFUSAL_H
#define MOORAGE_CORE_REFUSAL_H

// What a bind that failed means, whatever the system calls it: the one place that knows the names of results.
// How the systems differ: Linux answers EACCES where a right is missing. Windows has no such right for ports: its WSAEACCES
// (10013) means that the port is kept out of every bind, that another socket has it for itself alone, or that a filter
// forbids it.

#include "decode/host.h"

#include <stdbool.h>

enum refusal {
    REFUSAL_NONE,        // the bind worked
    REFUSAL_UNSUPPORTED, // the host lacks the family or protocol: nothing was tried
    REFUSAL_IN_USE,      // another socket has the endpoint
    REFUSAL_NO_RIGHT,    // a privileged port, or a policy that is asked for rights
    REFUSAL_BY_RULE,     // a rule about binds, whoever asks
    REFUSAL_FORBIDDEN,   // Windows: see above
    REFUSAL_NOT_LOCAL,   // not an address of this host, or one that means nothing by itself
    REFUSAL_OTHER,
};

enum refusal
refusal_of(const struct probe *probe);

#endif
