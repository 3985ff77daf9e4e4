// epoll for the floor: Swift's Glibc module leaves it out.
#pragma once
#include <sys/epoll.h>
