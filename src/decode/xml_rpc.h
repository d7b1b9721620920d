#ifndef MOORAGE_DECODE_XML_RPC_H
#define MOORAGE_DECODE_XML_RPC_H

// The answer to an XML-RPC call (xmlrpc.com/spec.md), as far as it is one value or one flat list of members. XML-RPC has
// neither attributes nor name spaces nor a document type, so this is no reader of XML: elements, text, the five named
// entities and numbered ones; anything else is no answer.
// Invariants: every element that was opened was closed by its own name; nothing lies outside of the answer but white space.
// The systems do not differ.

#include "base/arena.h"
#include "base/list.h"
#include "base/str.h"

#include <stdbool.h>

struct xml_rpc_member {
    struct str name; // empty: the value is no struct
    struct str text; // of a value within a value: empty
};

struct xml_rpc {
    bool fault; // it says no: members "faultCode" and "faultString"
    LIST_OF(struct xml_rpc_member);
};

bool
xml_rpc_parse(struct arena *arena, struct str bytes, struct xml_rpc *out);

// The text of this member; empty if there is none.
struct str
xml_rpc_member(const struct xml_rpc *answer, struct str name);

#endif
