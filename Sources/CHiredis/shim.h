// hiredis for RedisQueue. Nothing in it needs a wrapper: the `...Argv` calls are not variadic.
#pragma once
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <sys/time.h>
