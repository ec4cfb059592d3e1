#include "net/resolver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DNS_PORT 53

void net_resolver_config_init(struct net_resolver_config *config)
{
	*config = (struct net_resolver_config){
		.try_ms = NET_RESOLVER_TRY_MS,
		.rounds = NET_RESOLVER_ROUNDS,
	};
}

int net_resolver_config_read(struct net_resolver_config *config, const char *path)
{
	char *line = NULL;
	size_t size = 0;
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return -errno;
	config->server_count = 0;
	while (config->server_count < NET_RESOLVER_SERVERS_MAX &&
	       getline(&line, &size, file) >= 0) {
		struct net_address server;
		char *rest;
		const char *word = strtok_r(line, " \t\r\n", &rest);
		const char *address = strtok_r(NULL, " \t\r\n", &rest);

		if (word != NULL && address != NULL && strcmp(word, "nameserver") == 0 &&
		    net_address_parse(&server, address, DNS_PORT) == 0)
			config->servers[config->server_count++] = server;
	}
	free(line);
	fclose(file);
	return (int)config->server_count;
}
