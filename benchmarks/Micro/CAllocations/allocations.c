#include "CAllocations.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

static uint64_t allocations, bytes;

// By this name `callgrind --toggle-collect` knows what is to be counted.
__attribute__((noinline)) void micro_counted(void (*run)(void *), void *context) {
    run(context);
    // A call and not a jump, or callgrind would not see it end.
    __asm__ volatile("");
}

uint64_t micro_cpu_time(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

void micro_count(void (*run)(void *), void *context, struct micro_counts *counts) {
    uint64_t allocations_before = allocations, bytes_before = bytes, time_before = micro_cpu_time();
    micro_counted(run, context);
    counts->nanoseconds += micro_cpu_time() - time_before;
    counts->allocations += allocations - allocations_before;
    counts->bytes += bytes - bytes_before;
}

void micro_consume(const void *value) { __asm__ volatile("" : : "r"(value) : "memory"); }

// A sanitizer has its own: then nothing is counted.
#if !__has_feature(address_sanitizer)

// glibc's own, under the names that it keeps for such as us (malloc(3), "Replacing malloc").
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static void note(size_t size) {
    allocations += 1;
    bytes += size;
}

void *malloc(size_t size) {
    note(size);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    note(count * size);
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    note(size);
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
    note(size);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
    if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
    void *made = memalign(alignment, size);
    if (made == NULL) return ENOMEM;
    *memory = made;
    return 0;
}

void free(void *memory) { __libc_free(memory); }

#endif
