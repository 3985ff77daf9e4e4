// libuv for EventLoop. Only what Swift cannot express stands here.
#pragma once
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <uv.h>

// uv_handle_t* casts: Swift imports each handle as an unrelated struct.
static inline uv_handle_t *trunkline_uv_handle(void *handle) { return (uv_handle_t *)handle; }
