/* log.h - one line of text for each thing worth knowing, on standard error.
 *
 * Each begins with the time of day and the seconds since the machine started.  What came from the
 * network is made printable.  Nothing here may be given a password.
 */
#ifndef PHONE_LOG_H
#define PHONE_LOG_H

#include <stdbool.h>

enum phone_log_level {
	PHONE_LOG_NOTHING,
	PHONE_LOG_ERROR,   /* something does not work */
	PHONE_LOG_WARNING, /* something is odd */
	PHONE_LOG_NOTICE,  /* decisions; the level at the start */
	PHONE_LOG_INFO,    /* what is sent and asked */
	PHONE_LOG_DEBUG,   /* every message that comes */
};

/* For the whole process. */
void phone_log_set_level(enum phone_log_level level);

/* Is anything of that level logged?  For who would write words in vain. */
bool phone_log_takes(enum phone_log_level level);

void phone_log(enum phone_log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
