/* Feeds any bytes to the reader of STUN's answers: as they are, and behind the head that an answer
 * to our request has.  What is read is an address, and the same each time. */
#include "net/stun.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct net_stun_id id = {"twelve bytes"};

static void read_twice(const uint8_t *answer, size_t length)
{
	struct net_address mapped = {.port = 1}, again = {.port = 2};
	int error = net_stun_read_answer(&id, answer, length, &mapped);

	assert(net_stun_read_answer(&id, answer, length, &again) == error);
	assert(error ? mapped.port == 1 && again.port == 2
		     : net_stun_is(answer, length) && !net_address_compare(&mapped, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *answer = malloc(NET_STUN_REQUEST_SIZE + size);

	read_twice(data, size);
	net_stun_write_request(&id, answer);
	answer[0] = 0x01; /* a success */
	answer[2] = (uint8_t)(size >> 8);
	answer[3] = (uint8_t)size;
	if (size)
		memcpy(answer + NET_STUN_REQUEST_SIZE, data, size);
	read_twice(answer, NET_STUN_REQUEST_SIZE + size);
	free(answer);
	return 0;
}
