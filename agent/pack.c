/* pack.c - numbers and texts as bytes in a row. */
#include "agent/pack.h"

#include <string.h>

void agent_put_bytes(struct agent_pack *pack, struct sip_span bytes)
{
	if (pack->is_full || bytes.length > pack->size - pack->length) {
		pack->is_full = true;
		return;
	}
	if (bytes.length > 0)
		memcpy(pack->to + pack->length, bytes.at, bytes.length);
	pack->length += bytes.length;
}

static void put_number(struct agent_pack *pack, uint64_t number, size_t size)
{
	char bytes[sizeof(number)];

	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(number >> 8 * i & 0xff);
	agent_put_bytes(pack, (struct sip_span){bytes, size});
}

void agent_put_u8(struct agent_pack *pack, uint8_t number)
{
	put_number(pack, number, sizeof(number));
}

void agent_put_u32(struct agent_pack *pack, uint32_t number)
{
	put_number(pack, number, sizeof(number));
}

void agent_put_u64(struct agent_pack *pack, uint64_t number)
{
	put_number(pack, number, sizeof(number));
}

void agent_put_text(struct agent_pack *pack, struct sip_span text)
{
	agent_put_u32(pack, (uint32_t)text.length);
	agent_put_bytes(pack, text);
}

struct sip_span agent_take_bytes(struct agent_unpack *unpack, size_t length)
{
	struct sip_span taken = {unpack->bytes.at, length};

	if (unpack->is_short || length > unpack->bytes.length) {
		unpack->is_short = true;
		return sip_span_of("");
	}
	unpack->bytes.at += length;
	unpack->bytes.length -= length;
	return taken;
}

static uint64_t take_number(struct agent_unpack *unpack, size_t size)
{
	struct sip_span bytes = agent_take_bytes(unpack, size);
	uint64_t number = 0;

	for (size_t i = 0; i < bytes.length; i++)
		number |= (uint64_t)(unsigned char)bytes.at[i] << 8 * i;
	return number;
}

uint8_t agent_take_u8(struct agent_unpack *unpack)
{
	return (uint8_t)take_number(unpack, sizeof(uint8_t));
}

uint32_t agent_take_u32(struct agent_unpack *unpack)
{
	return (uint32_t)take_number(unpack, sizeof(uint32_t));
}

uint64_t agent_take_u64(struct agent_unpack *unpack)
{
	return take_number(unpack, sizeof(uint64_t));
}

struct sip_span agent_take_text(struct agent_unpack *unpack)
{
	return agent_take_bytes(unpack, agent_take_u32(unpack));
}
