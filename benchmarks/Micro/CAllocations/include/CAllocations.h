// What a stretch of work takes: CPU time, and calls of malloc and its like by the whole process,
// libcrypto and the Swift runtime included.
#pragma once
#include <stdint.h>

struct micro_counts {
    uint64_t nanoseconds;
    // A realloc counts as one, of its new size.
    uint64_t allocations;
    uint64_t bytes;
};

// Of this thread, in nanoseconds.
uint64_t micro_cpu_time(void);

// Runs it once, and adds what that took. Of one thread: the counters are plain numbers.
void micro_count(void (*run)(void *context), void *context, struct micro_counts *counts);

// Does nothing, of which the optimiser knows nothing: what is given to it has to be made.
void micro_consume(const void *value);
