// Process control for Supervision, the memory file for Scoreboard. Only what Swift's Glibc module
// lacks stands here.
#pragma once
#include <linux/memfd.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <unistd.h>

// GNU names, which the feature macros of Swift's Glibc module hide.
extern char **environ;
extern int memfd_create(const char *name, unsigned int flags);
extern int pipe2(int ends[2], int flags);
extern int posix_spawn_file_actions_addchdir_np(
    posix_spawn_file_actions_t *restrict, const char *restrict);
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);

// F_ADD_SEALS with F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW (fcntl(2)): <linux/fcntl.h> can't be
// included beside <fcntl.h>.
enum { trunkline_add_seals = 1033, trunkline_seals_of_size = 0x1 | 0x2 | 0x4 };

// environ is a mutable C global, which Swift 6 refuses to read.
static inline char **trunkline_environment(void) { return environ; }
