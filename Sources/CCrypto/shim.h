// libcrypto for SigningKeys. Only what Swift cannot express stands here.
#pragma once
#include <openssl/bio.h>
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
