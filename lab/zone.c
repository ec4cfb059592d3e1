/* zone.c - DNS records in memory, and the answers that they give. */
#include "lab/zone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ldns/ldns.h>

enum {
	CNAME_HOPS_MAX = 8,    /* a chain longer than this is a mistake or a loop (DNS-17) */
	PLAIN_REPLY_MAX = 512, /* RFC 1035, 4.2.1: what any asker takes over UDP */
	DEFAULT_TTL_S = 300,   /* of records that name none */
};

/* Records stand in the canonical order of names (RFC 4034, 6.1), those of one name as they were
 * read: so what belongs to a name stands together, and all that is below it comes right after. */
struct lab_zone {
	ldns_rr **records; /* owned, each of them too */
	size_t count;
};

/* Reads all records.  *LINE is the last one read.  (libldns can read a whole zone at once, but
 * then leaks what it has read when a line is wrong.) */
static ldns_status read_records(FILE *from, ldns_rr_list *records, int *line)
{
	uint32_t ttl = DEFAULT_TTL_S;
	ldns_rdf *origin = NULL, *owner = NULL;
	ldns_status status = LDNS_STATUS_OK;

	while (status == LDNS_STATUS_OK && !feof(from)) {
		ldns_rr *record = NULL;

		status = ldns_rr_new_frm_fp_l(&record, from, &ttl, &origin, &owner, line);
		if (status == LDNS_STATUS_OK && !ldns_rr_list_push_rr(records, record))
			status = LDNS_STATUS_MEM_ERR;
		else if (status == LDNS_STATUS_SYNTAX_EMPTY || status == LDNS_STATUS_SYNTAX_TTL ||
			 status == LDNS_STATUS_SYNTAX_ORIGIN)
			status = LDNS_STATUS_OK; /* an empty line, $TTL, $ORIGIN: understood */
	}
	ldns_rdf_deep_free(origin);
	ldns_rdf_deep_free(owner);
	return status;
}

/* A record, and where it stood in the text. */
struct placed {
	ldns_rr *record;
	size_t place;
};

static int compare_placed(const void *left, const void *right)
{
	const struct placed *a = left, *b = right;
	int order = ldns_dname_compare(ldns_rr_owner(a->record), ldns_rr_owner(b->record));

	return order ? order : (a->place > b->place) - (a->place < b->place);
}

/* Takes the records out of LIST into the order of the zone. */
static bool sort_records(struct lab_zone *zone, ldns_rr_list *list)
{
	size_t count = ldns_rr_list_rr_count(list);
	struct placed *placed = calloc(count + 1, sizeof *placed);

	zone->records = calloc(count + 1, sizeof *zone->records);
	if (!placed || !zone->records) {
		free(placed);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		placed[i] = (struct placed){ldns_rr_list_rr(list, i), i};
	qsort(placed, count, sizeof *placed, compare_placed);
	for (size_t i = 0; i < count; i++)
		zone->records[i] = placed[i].record;
	zone->count = count;
	ldns_rr_list_set_rr_count(list, 0);
	free(placed);
	return true;
}

static struct lab_zone *read_zone(FILE *from, const char *name, char *why, size_t why_size)
{
	struct lab_zone *zone = calloc(1, sizeof *zone);
	ldns_rr_list *list = ldns_rr_list_new();
	ldns_status status = LDNS_STATUS_MEM_ERR;
	int line = 0;

	if (zone && list)
		status = read_records(from, list, &line);
	if (status == LDNS_STATUS_OK && !sort_records(zone, list))
		status = LDNS_STATUS_MEM_ERR;
	ldns_rr_list_deep_free(list);
	if (status == LDNS_STATUS_OK)
		return zone;
	snprintf(why, why_size, "%s:%d: %s", name, line, ldns_get_errorstr_by_id(status));
	lab_zone_free(zone);
	return NULL;
}

struct lab_zone *lab_zone_parse(const char *text, const char *name, char *why, size_t why_size)
{
	struct lab_zone *zone;
	size_t size = strlen(text);
	FILE *from;

	if (!size) {
		snprintf(why, why_size, "%s: holds no record", name);
		return NULL;
	}
	from = fmemopen((void *)text, size, "r");
	if (!from) {
		snprintf(why, why_size, "%s: %s", name, strerror(errno));
		return NULL;
	}
	zone = read_zone(from, name, why, why_size);
	fclose(from);
	return zone;
}

struct lab_zone *lab_zone_load(const char *path, char *why, size_t why_size)
{
	struct lab_zone *zone;
	FILE *from = fopen(path, "r");

	if (!from) {
		snprintf(why, why_size, "%s: %s", path, strerror(errno));
		return NULL;
	}
	zone = read_zone(from, path, why, why_size);
	fclose(from);
	return zone;
}

void lab_zone_free(struct lab_zone *zone)
{
	if (!zone)
		return;
	for (size_t i = 0; i < zone->count; i++)
		ldns_rr_free(zone->records[i]);
	free(zone->records);
	free(zone);
}

/* The first record that does not come before NAME. */
static size_t find_name(const struct lab_zone *zone, const ldns_rdf *name)
{
	size_t first = 0, end = zone->count;

	while (first < end) {
		size_t middle = first + (end - first) / 2;

		if (ldns_dname_compare(ldns_rr_owner(zone->records[middle]), name) < 0)
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

/* Puts the records of NAME and TYPE into the answer.  Returns the last one, or NULL. */
static const ldns_rr *push_records(const struct lab_zone *zone, const ldns_rdf *name,
				   ldns_rr_type type, ldns_pkt *reply)
{
	const ldns_rr *last = NULL;

	for (size_t i = find_name(zone, name); i < zone->count; i++) {
		const ldns_rr *record = zone->records[i];

		if (ldns_dname_compare(ldns_rr_owner(record), name))
			break;
		if (ldns_rr_get_type(record) == type &&
		    ldns_pkt_push_rr(reply, LDNS_SECTION_ANSWER, ldns_rr_clone(record)))
			last = record;
	}
	return last;
}

/* RFC 8020: a name is there, too, when only names below it have records. */
static bool name_exists(const struct lab_zone *zone, const ldns_rdf *name)
{
	size_t at = find_name(zone, name);
	const ldns_rdf *owner;

	if (at == zone->count)
		return false;
	owner = ldns_rr_owner(zone->records[at]);
	return !ldns_dname_compare(owner, name) || ldns_dname_is_subdomain(owner, name);
}

/* RFC 1034, 4.3.2: the records asked for, or the alias and what it leads to. */
static void answer_from_zone(const struct lab_zone *zone, const ldns_rr *question, ldns_pkt *reply)
{
	const ldns_rdf *name = ldns_rr_owner(question);
	ldns_rr_type type = ldns_rr_get_type(question);

	for (int hop = 0; hop < CNAME_HOPS_MAX; hop++) {
		const ldns_rr *alias;

		if (push_records(zone, name, type, reply))
			return;
		alias = push_records(zone, name, LDNS_RR_TYPE_CNAME, reply);
		if (!alias)
			break;
		name = ldns_rr_rdf(alias, 0);
	}
	if (!name_exists(zone, name))
		ldns_pkt_set_rcode(reply, LDNS_RCODE_NXDOMAIN);
}

static ldns_pkt *start_reply(const ldns_pkt *query, uint8_t rcode)
{
	ldns_pkt *reply = ldns_pkt_new();

	if (!reply)
		return NULL;
	ldns_pkt_set_id(reply, ldns_pkt_id(query));
	ldns_pkt_set_opcode(reply, ldns_pkt_get_opcode(query));
	ldns_pkt_set_qr(reply, true);
	ldns_pkt_set_aa(reply, true);
	ldns_pkt_set_rd(reply, ldns_pkt_rd(query));
	ldns_pkt_set_rcode(reply, rcode);
	if (ldns_pkt_edns(query))
		ldns_pkt_set_edns_udp_size(reply, LAB_DNS_DATAGRAM_MAX);
	if (ldns_pkt_qdcount(query))
		ldns_pkt_push_rr(reply, LDNS_SECTION_QUESTION,
				 ldns_rr_clone(ldns_rr_list_rr(ldns_pkt_question(query), 0)));
	return reply;
}

/* Packs REPLY into OUT; one that is too long goes without records, marked as truncated. */
static bool pack_reply(ldns_pkt *reply, size_t limit, struct lab_dns_reply *out)
{
	ldns_rr_list *none = ldns_rr_list_new();
	uint8_t *packed = NULL;
	bool done;

	done = none && ldns_pkt2wire(&packed, reply, &out->size) == LDNS_STATUS_OK;
	if (done && out->size > limit) {
		LDNS_FREE(packed);
		ldns_rr_list_deep_free(ldns_pkt_answer(reply));
		ldns_pkt_set_answer(reply, none);
		ldns_pkt_set_ancount(reply, 0);
		ldns_pkt_set_tc(reply, true);
		none = NULL;
		done = ldns_pkt2wire(&packed, reply, &out->size) == LDNS_STATUS_OK;
	}
	done = done && out->size <= limit;
	if (done)
		memcpy(out->bytes, packed, out->size);
	LDNS_FREE(packed);
	ldns_rr_list_free(none);
	out->rcode = (uint8_t)ldns_pkt_get_rcode(reply);
	out->records = ldns_pkt_ancount(reply);
	return done;
}

/* RFC 6891, 6.2.3: what the asker announced, between what anyone takes and what we send. */
static size_t reply_limit(const ldns_pkt *query)
{
	size_t announced = ldns_pkt_edns(query) ? ldns_pkt_edns_udp_size(query) : 0;

	if (announced < PLAIN_REPLY_MAX)
		return PLAIN_REPLY_MAX;
	return announced < LAB_DNS_DATAGRAM_MAX ? announced : LAB_DNS_DATAGRAM_MAX;
}

/* Notes what was asked, for those who watch. */
static void note_question(const ldns_rr *asked, struct lab_dns_reply *out)
{
	char *name = ldns_rdf2str(ldns_rr_owner(asked));

	if (name)
		snprintf(out->name, sizeof out->name, "%s", name);
	free(name);
	out->type = (uint16_t)ldns_rr_get_type(asked);
}

static bool answer_query(const struct lab_zone *zone, const ldns_pkt *query,
			 const struct lab_dns_question *question, struct lab_dns_reply *out)
{
	size_t limit = question->over_tcp ? LAB_DNS_REPLY_MAX : reply_limit(query);
	uint8_t rcode = question->rcode;
	const ldns_rr *asked = ldns_rr_list_rr(ldns_pkt_question(query), 0);
	ldns_pkt *reply;
	bool done;

	if (ldns_pkt_get_opcode(query) != LDNS_PACKET_QUERY)
		rcode = LDNS_RCODE_NOTIMPL;
	else if (ldns_pkt_qdcount(query) != 1)
		rcode = LDNS_RCODE_FORMERR;
	reply = start_reply(query, rcode);
	if (!reply)
		return false;
	if (asked)
		note_question(asked, out);
	if (rcode == LDNS_RCODE_NOERROR)
		answer_from_zone(zone, asked, reply);
	done = pack_reply(reply, limit, out);
	ldns_pkt_free(reply);
	return done;
}

bool lab_zone_answer(const struct lab_zone *zone, const struct lab_dns_question *question,
		     struct lab_dns_reply *reply)
{
	ldns_pkt *query;
	bool done;

	reply->name[0] = '\0';
	reply->type = 0;
	if (ldns_wire2pkt(&query, question->packet, question->size) != LDNS_STATUS_OK)
		return false;
	done = !ldns_pkt_qr(query) && answer_query(zone, query, question, reply);
	ldns_pkt_free(query);
	return done;
}

/* One question in wire format, with room for the longest answer; free() it. */
static uint8_t *pack_question(const struct net_dns_question *question, size_t *size)
{
	ldns_rdf *name = ldns_dname_new_frm_str(question->name);
	ldns_pkt *query = NULL;
	uint8_t *packed = NULL;

	if (name)
		query = ldns_pkt_query_new(name, (ldns_rr_type)question->type, LDNS_RR_CLASS_IN,
					   LDNS_RD);
	if (!query) {
		ldns_rdf_deep_free(name);
		return NULL;
	}
	if (ldns_pkt2wire(&packed, query, size) != LDNS_STATUS_OK)
		packed = NULL;
	ldns_pkt_free(query);
	return packed;
}

int lab_zone_ask(const struct lab_zone *zone, const char *name, enum net_dns_type type,
		 struct net_dns_result *result)
{
	struct net_dns_question question;
	struct lab_dns_reply reply;
	int error = net_dns_question_init(&question, name, type);

	if (error)
		return error;
	do {
		struct lab_dns_question packed = {.over_tcp = true};
		uint8_t *packet = pack_question(&question, &packed.size);
		bool answered;

		packed.packet = packet;
		answered = packet && lab_zone_answer(zone, &packed, &reply);
		free(packet);
		if (!answered)
			return -ENOMEM;
	} while (!net_dns_read(&question, reply.bytes, reply.size, result));
	return 0;
}
