/* log.c - one line of text for each thing worth knowing. */
#include "phone/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "net/loop.h"

enum { LINE_MAX_SIZE = 1024 };

static enum phone_log_level level_most = PHONE_LOG_NOTICE;

void phone_log_set_level(enum phone_log_level level)
{
	level_most = level;
}

bool phone_log_takes(enum phone_log_level level)
{
	return level <= level_most;
}

static const char *level_text(enum phone_log_level level)
{
	switch (level) {
	case PHONE_LOG_ERROR:
		return "error: ";
	case PHONE_LOG_WARNING:
		return "warning: ";
	case PHONE_LOG_NOTHING:
	case PHONE_LOG_NOTICE:
	case PHONE_LOG_INFO:
	case PHONE_LOG_DEBUG:
		break;
	}
	return "";
}

/* Neither a line end nor an escape sequence gets to somebody's terminal.  UTF-8 passes. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

void phone_log(enum phone_log_level level, const char *format, ...)
{
	char text[LINE_MAX_SIZE], clock[sizeof "2026-01-01 00:00:00"];
	uint64_t now;
	struct timespec wall;
	struct tm day;
	va_list arguments;

	if (!phone_log_takes(level))
		return;
	now = net_now_ms();
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	make_printable(text);
	clock_gettime(CLOCK_REALTIME, &wall);
	localtime_r(&wall.tv_sec, &day);
	strftime(clock, sizeof clock, "%F %T", &day);
	fprintf(stderr, "%s.%03ld [%8llu.%03u] %s%s\n", clock, wall.tv_nsec / 1000000,
		(unsigned long long)(now / 1000), (unsigned)(now % 1000), level_text(level), text);
}
