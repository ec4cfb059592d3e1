/* jump.c - a clock that can jump. */
#include "tests/phone/jump.h"

#include <assert.h>
#include <sys/timerfd.h>

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __real_timerfd_settime(int fd, int flags, const struct itimerspec *at, struct itimerspec *old);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *at, struct itimerspec *old);

static time_t asleep_s; /* so far */
static struct {
	int fd, flags;
	struct itimerspec at;
} last_set;

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	int result = __real_clock_gettime(clock, now);

	if (clock == CLOCK_BOOTTIME)
		now->tv_sec += asleep_s;
	return result;
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *at, struct itimerspec *old)
{
	struct itimerspec earlier = *at;

	last_set.fd = fd;
	last_set.flags = flags;
	last_set.at = *at;
	earlier.it_value.tv_sec -= asleep_s;
	if ((at->it_value.tv_sec || at->it_value.tv_nsec) && earlier.it_value.tv_sec < 0)
		earlier.it_value = (struct timespec){.tv_nsec = 1}; /* long due */
	return __real_timerfd_settime(fd, flags, &earlier, old);
}

void jump(time_t length_s)
{
	int error;

	asleep_s += length_s;
	error = __wrap_timerfd_settime(last_set.fd, last_set.flags, &last_set.at, NULL);
	assert(!error);
}
