#include "base/json_image.h"

const cJSON *
json_image_open(struct arena *arena, const struct json_image *image)
{
    cJSON *items = arena_array(arena, image->count, sizeof *items);

    for (size_t i = 0; i < image->count; i++) {
        const struct json_node *node = &image->nodes[i];
        cJSON *item = &items[i];
        item->type = node->type;
        item->string = node->key ? (char *)&image->text[node->key] : NULL;
        item->valuestring = node->type == cJSON_String ? (char *)&image->text[node->text] : NULL;
        item->valueint = node->number;
        item->valuedouble = node->number;
        item->child = node->filled ? item + 1 : NULL;
        item->next = node->next ? &items[node->next] : NULL;
        if (item->next)
            item->next->prev = item;
    }
    return items;
}
