// Any bytes as the name or the content of a lease, which other users may have written: what is read is written alike.

#include "decode/lease_record.h"

#include <assert.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_open();
    struct str bytes = {(const char *)data, size};
    struct lease lease = {0};
    struct lease again = {0};
    struct lease_key key;
    struct lease_key same;

    if (lease_record_parse_name(bytes, &key)) {
        assert(lease_record_parse_name(lease_record_format_name(arena, &key), &same));
        assert(key.port == same.port && key.protocol == same.protocol && key.key == same.key);
        assert(key.boot == same.boot && key.ends == same.ends && key.fence == same.fence);
    }
    if (lease_record_parse(arena, bytes, &lease, NULL)) {
        assert(lease.port != 0 && lease.ttl_ms >= 0);
        assert(lease_record_parse(arena, lease_record_format(arena, &lease), &again, NULL));
        assert(again.port == lease.port && again.pid == lease.pid && again.fence == lease.fence);
        assert(str_equal(again.name, lease.name) && str_equal(again.project, lease.project));
    }
    arena_close(arena);
    return 0;
}
