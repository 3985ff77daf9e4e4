// libcurl for Transport. Only what Swift cannot express stands here.
#pragma once
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <arpa/inet.h>
#include <locale.h>
#include <netinet/in.h>
// libcurl's TLS library, for the store of authorities that its connections share.
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// curl_easy_setopt is variadic, and a macro: one typed call for each type of argument.
static inline CURLcode trunkline_curl_set_long(CURL *easy, CURLoption option, long value) {
    return (curl_easy_setopt)(easy, option, value);
}
static inline CURLcode trunkline_curl_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
    return (curl_easy_setopt)(easy, option, value);
}
static inline CURLcode trunkline_curl_set_text(CURL *easy, CURLoption option, const char *value) {
    return (curl_easy_setopt)(easy, option, value);
}
static inline CURLcode trunkline_curl_set_pointer(CURL *easy, CURLoption option, void *value) {
    return (curl_easy_setopt)(easy, option, value);
}
static inline CURLcode trunkline_curl_set_list(CURL *easy, CURLoption option,
                                               struct curl_slist *value) {
    return (curl_easy_setopt)(easy, option, value);
}
static inline CURLcode trunkline_curl_set_data_callback(CURL *easy, CURLoption option,
                                                        curl_write_callback callback) {
    return (curl_easy_setopt)(easy, option, callback);
}
static inline CURLcode trunkline_curl_set_open_callback(CURL *easy,
                                                        curl_opensocket_callback callback) {
    return (curl_easy_setopt)(easy, CURLOPT_OPENSOCKETFUNCTION, callback);
}
static inline CURLcode trunkline_curl_set_close_callback(CURL *easy,
                                                         curl_closesocket_callback callback) {
    return (curl_easy_setopt)(easy, CURLOPT_CLOSESOCKETFUNCTION, callback);
}
static inline CURLcode trunkline_curl_set_prerequest_callback(CURL *easy,
                                                              curl_prereq_callback callback) {
    return (curl_easy_setopt)(easy, CURLOPT_PREREQFUNCTION, callback);
}
static inline CURLcode trunkline_curl_set_tls_callback(CURL *easy,
                                                       curl_ssl_ctx_callback callback) {
    return (curl_easy_setopt)(easy, CURLOPT_SSL_CTX_FUNCTION, callback);
}

static inline CURLcode trunkline_curl_set_progress_callback(CURL *easy,
                                                            curl_xferinfo_callback callback) {
    return (curl_easy_setopt)(easy, CURLOPT_XFERINFOFUNCTION, callback);
}

// curl_easy_getinfo is variadic: one typed call for each type of result.
static inline CURLcode trunkline_curl_get_long(CURL *easy, CURLINFO info, long *value) {
    return (curl_easy_getinfo)(easy, info, value);
}
static inline CURLcode trunkline_curl_get_text(CURL *easy, CURLINFO info, const char **value) {
    return (curl_easy_getinfo)(easy, info, value);
}
static inline CURLcode trunkline_curl_get_pointer(CURL *easy, CURLINFO info, void **value) {
    return (curl_easy_getinfo)(easy, info, value);
}

// curl_share_setopt is variadic.
static inline CURLSHcode trunkline_curl_share_sessions(CURLSH *share) {
    return (curl_share_setopt)(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
}

// A macro with a cast, which Swift does not see.
static const uint64_t trunkline_ssl_no_renegotiation = SSL_OP_NO_RENEGOTIATION;

// curl_multi_setopt is variadic.
static inline CURLMcode trunkline_curl_multi_set_long(CURLM *multi, CURLMoption option,
                                                      long value) {
    return (curl_multi_setopt)(multi, option, value);
}
static inline CURLMcode trunkline_curl_multi_set_pointer(CURLM *multi, CURLMoption option,
                                                         void *value) {
    return (curl_multi_setopt)(multi, option, value);
}
static inline CURLMcode trunkline_curl_multi_set_socket_callback(CURLM *multi,
                                                                 curl_socket_callback callback) {
    return (curl_multi_setopt)(multi, CURLMOPT_SOCKETFUNCTION, callback);
}
static inline CURLMcode trunkline_curl_multi_set_timer_callback(
    CURLM *multi, curl_multi_timer_callback callback) {
    return (curl_multi_setopt)(multi, CURLMOPT_TIMERFUNCTION, callback);
}

// CURLMsg.data is an anonymous union, which Swift cannot name.
static inline CURLcode trunkline_curl_result(const CURLMsg *message) {
    return message->data.result;
}

// Casts, which Swift's CURL_SOCKET_BAD import and CURL_GLOBAL_ALL macro do not survive.
static inline curl_socket_t trunkline_curl_socket_bad(void) { return CURL_SOCKET_BAD; }
static inline CURLcode trunkline_curl_global_init(void) {
    return curl_global_init(CURL_GLOBAL_ALL);
}

// How many bytes the peer of a TCP connection has sent so far; -1 when the kernel does not tell.
// glibc's struct tcp_info ends before tcpi_bytes_received, and linux/tcp.h, which has it at this
// place since Linux 4.1, declares the same struct again.
static inline int64_t trunkline_curl_bytes_received(curl_socket_t descriptor) {
    unsigned char info[136];
    socklen_t length = sizeof info;
    uint64_t received;
    if (getsockopt(descriptor, IPPROTO_TCP, 11 /* TCP_INFO */, info, &length) != 0) return -1;
    if (length < sizeof info) return -1;
    memcpy(&received, info + 128, sizeof received);
    return (int64_t)received;
}

// The state of a TCP connection (TCP_CLOSE_WAIT: its peer has closed it); -1 when the kernel does not
// tell. Swift sees no fields behind the bits of glibc's struct tcp_info.
static inline int trunkline_curl_tcp_state(curl_socket_t descriptor) {
    unsigned char state;
    socklen_t length = sizeof state;
    if (getsockopt(descriptor, IPPROTO_TCP, 11 /* TCP_INFO */, &state, &length) != 0) return -1;
    return state;
}

// struct curl_sockaddr ends in the address itself, of which Swift sees the first 16 bytes only.
static inline const struct sockaddr *trunkline_curl_address(const struct curl_sockaddr *address) {
    return &address->addr;
}
