/* keepalive.c - the bytes of keep-alives, out of what an attribute can hold. */
#include "config/keepalive.h"

#include <string.h>

/* TEXT with \r and \n decoded; any other backslash stands for itself.  KEEP-1 */
static const char *decode(struct arena *arena, const char *text)
{
	char *bytes = arena_alloc(arena, strlen(text) + 1), *to = bytes;

	while (*text) {
		bool escape = text[0] == '\\' && (text[1] == 'r' || text[1] == 'n');
		if (escape)
			text++;
		*to++ = !escape ? *text : *text == 'r' ? '\r' : '\n';
		text++;
	}
	return bytes;
}

static const char *payload(struct config_store *store, enum parameter_id id)
{
	const struct parameter_key key = {.id = (uint16_t)id, .place = PLACE_SITE};
	return decode(&store->arena, store_value(store, &key).text);
}

void keepalive_make(struct config_store *store)
{
	store->config.keepalive = (struct config_keepalive){
		.udp = payload(store, PARAMETER_nat_udp_payload),
		.tcp = payload(store, PARAMETER_nat_tcp_payload),
	};
}
