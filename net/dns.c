#include "net/dns.h"

#include <ctype.h>
#include <errno.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

/* ---- names and strings ---- */

/* A name as text. False for one that no host or service has: with bytes that need an escape. */
static bool name_text(const ldns_rdf *name, char *to)
{
	char *text = ldns_rdf2str(name);
	size_t length = text != NULL ? strlen(text) : 0;

	if (length > 1 && text[length - 1] == '.')
		length--;
	if (length == 0 || length > NET_DNS_NAME_MAX || memchr(text, '\\', length) != NULL) {
		free(text);
		return false;
	}
	memcpy(to, text, length);
	to[length] = '\0';
	free(text);
	return true;
}

/* The bytes of a character-string: a length, then as many bytes. */
static size_t string_bytes(const ldns_rdf *string, const uint8_t **bytes)
{
	*bytes = ldns_rdf_data(string) + 1;
	return ldns_rdf_size(string) - 1;
}

/* ---- records ---- */

static bool read_ip(const ldns_rr *rr, size_t size, struct net_dns_record *to)
{
	const ldns_rdf *ip = ldns_rr_rdf(rr, 0);

	if (ldns_rr_rd_count(rr) != 1 || ldns_rdf_size(ip) != size)
		return false;
	memset(to->ip + 10, 0xff, 2); /* ::ffff:a.b.c.d; IPv6 covers it */
	memcpy(to->ip + sizeof(to->ip) - size, ldns_rdf_data(ip), size);
	return true;
}

static bool read_srv(const ldns_rr *rr, struct net_dns_record *to)
{
	if (ldns_rr_rd_count(rr) != 4)
		return false;
	to->priority = ldns_rdf2native_int16(ldns_rr_rdf(rr, 0));
	to->weight = ldns_rdf2native_int16(ldns_rr_rdf(rr, 1));
	to->port = ldns_rdf2native_int16(ldns_rr_rdf(rr, 2));
	return name_text(ldns_rr_rdf(rr, 3), to->name);
}

/* Order, preference, flags, services, regexp, replacement. SIP uses no regexp (RFC 3263 4.1). */
static bool read_naptr(const ldns_rr *rr, struct net_dns_record *to)
{
	const uint8_t *bytes;
	size_t length;

	if (ldns_rr_rd_count(rr) != 6)
		return false;
	to->priority = ldns_rdf2native_int16(ldns_rr_rdf(rr, 0));
	to->weight = ldns_rdf2native_int16(ldns_rr_rdf(rr, 1));

	length = string_bytes(ldns_rr_rdf(rr, 2), &bytes);
	if (length == 1)
		to->flag = (char)tolower(bytes[0]);
	else
		to->flag = length == 0 ? '\0' : '?';

	length = string_bytes(ldns_rr_rdf(rr, 3), &bytes);
	if (length > NET_DNS_SERVICE_MAX)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!isascii(bytes[i]) || !isgraph(bytes[i]))
			return false;
		to->service[i] = (char)bytes[i];
	}
	return name_text(ldns_rr_rdf(rr, 5), to->name);
}

/* False: the record is of no use. */
static bool read_record(const ldns_rr *rr, enum net_dns_type type, struct net_dns_record *to)
{
	memset(to, 0, sizeof(*to));
	to->type = type;
	switch (type) {
	case NET_DNS_A:
		return read_ip(rr, 4, to);
	case NET_DNS_AAAA:
		return read_ip(rr, 16, to);
	case NET_DNS_SRV:
		return read_srv(rr, to);
	case NET_DNS_NAPTR:
		return read_naptr(rr, to);
	}
	return false;
}

/* ---- the answer ---- */

static bool finish(struct net_dns_result *result, enum net_dns_status status, const char *why)
{
	result->status = status;
	result->why = why;
	return true;
}

static bool is_of(const ldns_rr *rr, const ldns_rdf *owner, ldns_rr_type type)
{
	return ldns_rr_get_type(rr) == type && ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
	       ldns_dname_compare(ldns_rr_owner(rr), owner) == 0;
}

/* The smaller of a TTL and `least`. RFC 2181 8: one with the highest bit set means 0. */
static uint32_t least_ttl(const ldns_rr *rr, uint32_t least)
{
	uint32_t ttl_s = ldns_rr_ttl(rr);

	if (ttl_s > INT32_MAX)
		ttl_s = 0;
	return ttl_s < least ? ttl_s : least;
}

/* Takes the records of `owner`. Returns how many there are, useful or not. */
static size_t take_records(const struct net_dns_question *question, const ldns_rdf *owner,
			   const ldns_rr_list *answers, struct net_dns_result *result)
{
	size_t seen = 0;

	for (size_t i = 0; i < ldns_rr_list_rr_count(answers); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(answers, i);
		struct net_dns_record *record;

		if (!is_of(rr, owner, (ldns_rr_type)question->type))
			continue;
		seen++;
		if (result->count == NET_DNS_RECORDS_MAX) {
			result->cut++;
			continue;
		}
		record = &result->records[result->count];
		if (read_record(rr, question->type, record)) {
			record->ttl_s = least_ttl(rr, question->ttl_s);
			result->count++;
		}
	}
	return seen;
}

static const ldns_rr *find_cname(const ldns_rdf *owner, const ldns_rr_list *answers)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(answers); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(answers, i);

		if (is_of(rr, owner, LDNS_RR_TYPE_CNAME) && ldns_rr_rd_count(rr) == 1)
			return rr;
	}
	return NULL;
}

/* Reads the answer section of a NOERROR packet, along its CNAMEs. As net_dns_read(). */
static bool read_answers(struct net_dns_question *question, const ldns_rr_list *answers,
			 struct net_dns_result *result)
{
	bool moved = false;

	for (;;) {
		ldns_rdf *owner = ldns_dname_new_frm_str(question->name);
		const ldns_rr *cname;
		size_t seen;

		if (owner == NULL)
			return finish(result, NET_DNS_FAILED, "no memory");
		seen = take_records(question, owner, answers, result);
		cname = find_cname(owner, answers);
		ldns_rdf_deep_free(owner);

		if (result->count > 0)
			return finish(result, NET_DNS_ANSWER, "answered");
		if (seen > 0)
			return finish(result, NET_DNS_FAILED, "no record is of use");
		if (cname == NULL)
			return moved ? false : finish(result, NET_DNS_NEGATIVE, "no such record");
		if (question->links == NET_DNS_LINKS_MAX)
			return finish(result, NET_DNS_FAILED, "too many CNAMEs");
		if (!name_text(ldns_rr_rdf(cname, 0), question->name))
			return finish(result, NET_DNS_FAILED, "a CNAME to no proper name");
		question->ttl_s = least_ttl(cname, question->ttl_s);
		question->links++;
		moved = true;
	}
}

static bool read_packet(struct net_dns_question *question, const ldns_pkt *packet,
			struct net_dns_result *result)
{
	ldns_pkt_rcode rcode = ldns_pkt_get_rcode(packet);
	const ldns_lookup_table *error = ldns_lookup_by_id(ldns_rcodes, (int)rcode);

	if (!ldns_pkt_qr(packet))
		return finish(result, NET_DNS_FAILED, "a question for an answer");
	if (ldns_pkt_tc(packet))
		return finish(result, NET_DNS_FAILED, "a truncated answer");
	if (rcode == LDNS_RCODE_NOERROR)
		return read_answers(question, ldns_pkt_answer(packet), result);
	if (rcode == LDNS_RCODE_NXDOMAIN)
		return finish(result, NET_DNS_NEGATIVE, "no such name");
	return finish(result, NET_DNS_FAILED, error != NULL ? error->name : "an error");
}

bool net_dns_read(struct net_dns_question *question, const uint8_t *packet, size_t size,
		  struct net_dns_result *result)
{
	ldns_pkt *parsed;
	bool complete;

	result->count = 0;
	result->cut = 0;
	if (ldns_wire2pkt(&parsed, packet, size) != LDNS_STATUS_OK)
		return finish(result, NET_DNS_FAILED, "not a DNS message");
	complete = read_packet(question, parsed, result);
	ldns_pkt_free(parsed);
	return complete;
}

int net_dns_question_init(struct net_dns_question *question, const char *name,
			  enum net_dns_type type)
{
	ldns_rdf *parsed;
	bool proper;

	if (type != NET_DNS_A && type != NET_DNS_AAAA && type != NET_DNS_SRV &&
	    type != NET_DNS_NAPTR)
		return -EINVAL;
	parsed = ldns_dname_new_frm_str(name);
	if (parsed == NULL)
		return -EINVAL;
	proper = name_text(parsed, question->name);
	ldns_rdf_deep_free(parsed);
	if (!proper)
		return -EINVAL;
	question->type = type;
	question->ttl_s = UINT32_MAX;
	question->links = 0;
	return 0;
}
