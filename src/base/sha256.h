#ifndef MOORAGE_BASE_SHA256_H
#define MOORAGE_BASE_SHA256_H

// SHA-256 (FIPS 180-4) and HMAC with it (RFC 2104), for names that must not give away what they were made of: the
// machine's id in a recording. Inputs are small; nothing here is tuned or hardened against timing.
// The systems do not differ.

#include "base/str.h"

#include <stdint.h>

#define SHA256_SIZE 32

void
sha256(struct str bytes, uint8_t out[SHA256_SIZE]);

void
sha256_hmac(struct str key, struct str message, uint8_t out[SHA256_SIZE]);

#endif
