#include "net/hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/address.h"

#define BLANKS " \t\r\n\f\v"

/* Is `name` one of the words that are left of a line? Changes the line. */
static bool names_it(char *rest, const char *name)
{
	char *more;

	for (char *word = strtok_r(rest, BLANKS, &more); word != NULL;
	     word = strtok_r(NULL, BLANKS, &more)) {
		size_t length = strlen(word);

		if (length > 1 && word[length - 1] == '.')
			word[length - 1] = '\0';
		if (strcasecmp(word, name) == 0)
			return true;
	}
	return false;
}

/* Reads one line: "192.0.2.1 name alias # comment". True: it gives an address to `name`. */
static bool read_line(char *line, const char *name, struct net_address *address)
{
	char *rest, *word;

	line[strcspn(line, "#")] = '\0';
	word = strtok_r(line, BLANKS, &rest);
	return word != NULL && net_address_parse(address, word, 0) == 0 && names_it(rest, name);
}

static void add_record(struct net_dns_result *result, enum net_dns_type type,
		       const struct net_address *address)
{
	struct net_dns_record *record = &result->records[result->count];

	if (result->count == NET_DNS_RECORDS_MAX) {
		result->cut++;
		return;
	}
	*record = (struct net_dns_record){.type = type, .ttl_s = NET_HOSTS_TTL_S};
	memcpy(record->ip, address->ip, sizeof(record->ip));
	result->count++;
}

bool net_hosts_find(const char *path, const struct net_dns_question *question,
		    struct net_dns_result *result)
{
	bool wants_ipv4 = question->type == NET_DNS_A, known = false;
	struct net_address address;
	char *line = NULL;
	size_t size = 0;
	FILE *file;

	if (!wants_ipv4 && question->type != NET_DNS_AAAA)
		return false;
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	result->count = result->cut = 0;
	while (getline(&line, &size, file) >= 0) {
		if (!read_line(line, question->name, &address))
			continue;
		known = true;
		if (net_address_is_ipv4(&address) == wants_ipv4)
			add_record(result, question->type, &address);
	}
	free(line);
	fclose(file);
	result->status = result->count > 0 ? NET_DNS_ANSWER : NET_DNS_NEGATIVE;
	result->why = "the hosts file";
	return known;
}
