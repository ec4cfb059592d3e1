/* text.c - texts of a configuration: checked, copied, compared. */
#include "config/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "keepline/keepline.h"

enum {
	SHOWN_MAX = 60,    /* bytes of a value in a message */
	COMPARED_MAX = 96, /* bytes of a name that is compared; longer ones are like none */
	LABEL_MAX = 63,    /* bytes of one label of a domain name (RFC 1035) */
};

static const char WHITE_SPACE[] = " \t\r\n";
static const char DIGITS[] = "0123456789";
static const char HEX_DIGITS[] = "0123456789abcdefABCDEF";
static const char ALPHANUMERIC[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

char *text_copy_trimmed(struct arena *arena, const char *text)
{
	text += strspn(text, WHITE_SPACE);
	size_t length = strlen(text);
	while (length > 0 && strchr(WHITE_SPACE, text[length - 1]))
		length--;
	return arena_copy(arena, text, length);
}

void text_lower(char *text)
{
	for (; *text; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

const char *text_show(struct arena *arena, const char *text)
{
	static const char SECRET[] = "password";
	const char *secret = strcasestr(text, SECRET);
	size_t length = secret ? (size_t)(secret - text) + strlen(SECRET) : strlen(text);
	bool cut = length > SHOWN_MAX || text[length];
	char *copy = arena_copy(arena, text, length > SHOWN_MAX ? SHOWN_MAX : length);
	for (char *c = copy; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return cut ? arena_format(arena, "%s...", copy) : copy;
}

bool text_read_number(const char *text, uint32_t *number)
{
	uint64_t sum = 0;
	size_t length = strlen(text);
	if (length == 0 || length > 10 || strspn(text, DIGITS) != length)
		return false;
	for (const char *digit = text; *digit; digit++)
		sum = sum * 10 + (uint64_t)(*digit - '0');
	*number = (uint32_t)sum;
	return sum <= UINT32_MAX;
}

bool text_read_decimal(const char *text, uint32_t *thousandths)
{
	uint64_t sum = 0;
	size_t whole = strspn(text, DIGITS);
	const char *rest = text[whole] == '.' ? text + whole + 1 : text + whole;
	size_t decimals = strspn(rest, DIGITS);
	if (whole == 0 || whole > 6 || decimals > 3 || rest[decimals])
		return false;
	if (text[whole] == '.' && decimals == 0)
		return false;
	for (size_t i = 0; i < whole; i++)
		sum = sum * 10 + (uint64_t)(text[i] - '0');
	for (size_t i = 0; i < 3; i++)
		sum = sum * 10 + (uint64_t)(i < decimals ? rest[i] - '0' : 0);
	*thousandths = (uint32_t)sum;
	return true;
}

bool text_is_utf8(const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c;) {
		uint32_t more = *c < 0x80 ? 0 : *c < 0xc2 ? 4 : *c < 0xe0 ? 1 : *c < 0xf0 ? 2 : 3;
		if (more == 4 || *c > 0xf4)
			return false;
		/* Not longer than need be, no surrogate, nothing beyond U+10FFFF. */
		if ((*c == 0xe0 && c[1] < 0xa0) || (*c == 0xed && c[1] > 0x9f) ||
		    (*c == 0xf0 && c[1] < 0x90) || (*c == 0xf4 && c[1] > 0x8f))
			return false;
		for (c++; more > 0; more--, c++)
			if ((*c & 0xc0) != 0x80)
				return false;
	}
	return true;
}

bool text_is_printable(const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		if (*c < ' ' || *c == 0x7f || (*c == 0xc2 && c[1] < 0xa0))
			return false;
	return true;
}

/* A top label of digits alone is a mistyped IPv4 address (RFC 1123 2.1). */
static bool is_domain(const char *text)
{
	bool numeric = true;
	size_t total = strlen(text), length;
	for (;; text += length + 1) {
		length = strspn(text, ALPHANUMERIC);
		while (text[length] == '-' || text[length] == '_')
			length += 1 + strspn(text + length + 1, ALPHANUMERIC);
		if (length == 0 || length > LABEL_MAX)
			return false;
		numeric = strspn(text, DIGITS) == length;
		if (text[length] != '.')
			break;
	}
	return text[length] == '\0' && !numeric && total <= KL_NAME_MAX;
}

bool text_is_ipv4(const char *text)
{
	unsigned char ip[4];
	return inet_pton(AF_INET, text, ip) == 1;
}

bool text_read_ip(const char *text, uint8_t ip[16])
{
	static const uint8_t MAPPED[] = {[10] = 0xff, [11] = 0xff};
	memcpy(ip, MAPPED, sizeof(MAPPED));
	return inet_pton(AF_INET, text, ip + sizeof(MAPPED)) == 1 ||
	       inet_pton(AF_INET6, text, ip) == 1;
}

bool text_is_ip(const char *text)
{
	uint8_t ip[16];
	return text_read_ip(text, ip);
}

bool text_is_host(const char *text)
{
	return text_is_ip(text) || is_domain(text);
}

bool text_read_endpoint(const char *text, uint8_t ip[16])
{
	char address[INET6_ADDRSTRLEN];
	bool bracketed = *text == '[';
	size_t length = strcspn(text += bracketed, bracketed ? "]" : ":");
	const char *rest = text + length;
	uint32_t port;
	if (!bracketed && *rest == ':' && strchr(rest + 1, ':'))
		return text_read_ip(text, ip); /* IPv6 without a port */
	if (length >= sizeof(address) || (bracketed && *rest++ != ']'))
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	if (bracketed == text_is_ipv4(address) || !text_read_ip(address, ip))
		return false;
	return *rest == '\0' || (*rest == ':' && text_read_number(rest + 1, &port) && port >= 1 &&
				 port <= UINT16_MAX);
}

bool text_is_endpoint(const char *text)
{
	uint8_t ip[16];
	return text_read_endpoint(text, ip);
}

/* RFC 3261 25.1: user = 1*( unreserved / escaped / user-unreserved ) */
static size_t user_length(const char *text)
{
	size_t length = 0;
	for (;;) {
		length += strspn(text + length, ALPHANUMERIC);
		if (text[length] && strchr("-_.!~*'()&=+$,;?/", text[length]))
			length++;
		else if (text[length] == '%' && strspn(text + length + 1, HEX_DIGITS) >= 2)
			length += 3;
		else
			return length;
	}
}

bool text_is_address(const char *text)
{
	size_t user = user_length(text);
	if (user == 0)
		return false;
	return text[user] == '\0' || (text[user] == '@' && text_is_host(text + user + 1));
}

bool text_read_port_range(const char *text, uint16_t *first, uint16_t *last)
{
	const char *dash = strchr(text, '-');
	char before[sizeof "65535"];
	uint32_t least, most;
	if (!dash || (size_t)(dash - text) >= sizeof before)
		return false;
	snprintf(before, sizeof before, "%.*s", (int)(dash - text), text);
	if (!text_read_number(before, &least) || !text_read_number(dash + 1, &most))
		return false;
	*first = (uint16_t)least;
	*last = (uint16_t)most;
	return least >= 1024 && least % 2 == 0 && most > least && most <= UINT16_MAX;
}

bool text_is_port_range(const char *text)
{
	uint16_t first, last;
	return text_read_port_range(text, &first, &last);
}

static uint32_t least_of(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* One row of the Levenshtein table at a time: row[j] is the distance of A's first i letters
 * from B's first j. */
uint32_t text_distance(const char *a, const char *b, uint32_t most)
{
	size_t a_length = strlen(a), b_length = strlen(b);
	size_t difference = a_length > b_length ? a_length - b_length : b_length - a_length;
	uint32_t row[COMPARED_MAX + 1];
	if (difference > most || a_length > COMPARED_MAX || b_length > COMPARED_MAX)
		return most + 1;

	for (uint32_t j = 0; j <= b_length; j++)
		row[j] = j;
	for (uint32_t i = 1; i <= a_length; i++) {
		uint32_t diagonal = row[0], nearest = row[0] = i;
		for (uint32_t j = 1; j <= b_length; j++) {
			bool same = tolower((unsigned char)a[i - 1]) ==
				    tolower((unsigned char)b[j - 1]);
			uint32_t changed = diagonal + (same ? 0 : 1);
			diagonal = row[j];
			row[j] = least_of(changed, least_of(row[j], row[j - 1]) + 1);
			nearest = least_of(nearest, row[j]);
		}
		if (nearest > most)
			return most + 1;
	}
	return least_of(row[b_length], most + 1);
}
