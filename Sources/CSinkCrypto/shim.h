// libcrypto for Sink. Only what Swift cannot express stands here.
#pragma once
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// EVP_PKEY_Q_keygen is variadic.
static inline EVP_PKEY *trunkline_sink_new_p256_key(void) {
    return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
}

// X509V3_set_ctx takes X509V3_CTX, whose fields Swift would have to initialise one by one.
static inline X509_EXTENSION *trunkline_sink_extension(X509 *issuer, X509 *subject, int nid,
                                                       const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, subject, NULL, NULL, 0);
    return X509V3_EXT_conf_nid(NULL, &context, nid, value);
}
