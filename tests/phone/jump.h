/* jump.h - a clock that can jump: what the kernel does to a machine that slept.
 *
 * The linker puts ours in front of the two calls that know the time (see meson.build).
 */
#ifndef TESTS_PHONE_JUMP_H
#define TESTS_PHONE_JUMP_H

#include <time.h>

/* The clock is LENGTH_S later, and what is due by then rings. */
void jump(time_t length_s);

#endif
