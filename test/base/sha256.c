#include "tap.h"

#include "base/sha256.h"

static struct str
hex(struct arena *arena, const uint8_t hash[SHA256_SIZE])
{
    char *text = arena_alloc(arena, 2 * SHA256_SIZE + 1);
    for (size_t i = 0; i < SHA256_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
    return str_of(text);
}

static struct str
hash_of(struct arena *arena, struct str bytes)
{
    uint8_t hash[SHA256_SIZE];
    sha256(bytes, hash);
    return hex(arena, hash);
}

// The examples of FIPS 180-2, appendix B, and the empty text.
TEST(examples_of_the_standard_come_out_right)
{
    CHECK_STR(hash_of(arena, (struct str){0}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK_STR(hash_of(arena, STR("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK_STR(hash_of(arena, STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(million_letters_come_out_right)
{
    char *letters = arena_alloc(arena, 1000000);
    memset(letters, 'a', 1000000);
    CHECK_STR(hash_of(arena, (struct str){letters, 1000000}),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// RFC 4231, test cases 2 and 6.
TEST(keyed_hashes_come_out_right)
{
    uint8_t hash[SHA256_SIZE];
    char key[131];
    sha256_hmac(STR("Jefe"), STR("what do ya want for nothing?"), hash);
    CHECK_STR(hex(arena, hash), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    sha256_hmac((struct str){key, sizeof key}, STR("Test Using Larger Than Block-Size Key - Hash Key First"), hash);
    CHECK_STR(hex(arena, hash), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TAP_MAIN
