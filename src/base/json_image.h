#ifndef MOORAGE_BASE_JSON_IMAGE_H
#define MOORAGE_BASE_JSON_IMAGE_H

// A JSON document of which the build made data (tools/json_image.py): to open it takes a tenth of what it takes to parse it.
// The systems do not differ.

#include "base/arena.h"

#include <cJSON.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A value; what is in it follows it.
struct json_node {
    uint32_t key;  // its name, as a place in the text; 0 = it has none
    uint32_t text; // of a string
    int32_t number;
    uint16_t next; // index of the next value beside it; 0 = it is the last one
    uint8_t type;  // of cJSON
    bool filled;   // there is something in it
};

struct json_image {
    const struct json_node *nodes; // the first one is the document
    size_t count;
    const unsigned char *text; // strings that end with a zero byte
};

// The document, to be read alone. Its texts are those of the image.
const cJSON *
json_image_open(struct arena *arena, const struct json_image *image);

#endif
