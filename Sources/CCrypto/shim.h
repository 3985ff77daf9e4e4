// libcrypto for SigningKeys. Only what Swift cannot express stands here.
#pragma once
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

// BIO_get_mem_data is a macro over BIO_ctrl.
static inline long trunkline_bio_bytes(BIO *bio, char **bytes) {
    return BIO_get_mem_data(bio, bytes);
}

// Without a callback libcrypto asks for a pass phrase on the terminal.
static inline int trunkline_no_passphrase(char *buffer, int size, int writing, void *context) {
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

// Functions of crypto_mb (rsa.h and cpu_features.h of Intel's Cryptography Primitives), which is
// loaded at run time. Eight lanes each; a null pointer leaves a lane out. Four bits of the status
// belong to each lane, 0 is good.
typedef int (*trunkline_mb_applicable)(uint64_t features);
typedef unsigned (*trunkline_mb_private)(
    const unsigned char *const from[8], unsigned char *const to[8], const BIGNUM *const p[8],
    const BIGNUM *const q[8], const BIGNUM *const dp[8], const BIGNUM *const dq[8],
    const BIGNUM *const inverse_q[8], int bits);
typedef unsigned (*trunkline_mb_public)(
    const unsigned char *const from[8], unsigned char *const to[8], const BIGNUM *const e[8],
    const BIGNUM *const n[8], int bits);
