/* Feeds any bytes to the reader of state files: as they are, and with an end that fits them, since
 * a check sum is no secret. What is read is written, and read again as the same. */
#include "phone/records.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_S = 1732200000 };

static void read_twice(const char *text, size_t length)
{
	struct phone_records records, again;
	char why[PHONE_RECORDS_WHY_MAX], *written;
	size_t written_length;

	if (phone_records_parse(&records, text, length, NOW_S, why)) {
		assert(strlen(why) && !records.rows);
		return;
	}
	written = phone_records_write(&records, &written_length);
	assert(!phone_records_parse(&again, written, written_length, NOW_S, why));
	assert(again.count == records.count);
	free(written);
	phone_records_clear(&records);
	phone_records_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *lines = (const char *)data;
	uint64_t sum = UINT64_C(14695981039346656037);
	unsigned count = 0;
	char *text = malloc(size + 128);
	int length = sprintf(text, "keepline-state 1\n");

	read_twice(lines, size);
	memcpy(text + length, data, size);
	length += (int)size;
	for (size_t i = 0; i < size; i++)
		count += data[i] == '\n';
	for (int i = 0; i < length; i++)
		sum = (sum ^ (uint8_t)text[i]) * UINT64_C(1099511628211);
	length += sprintf(text + length, "end %u %016" PRIx64 "\n", count, sum);
	read_twice(text, (size_t)length);
	free(text);
	return 0;
}
