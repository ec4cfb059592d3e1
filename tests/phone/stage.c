/* stage.c - a phone among servers over TCP and TLS. */
#include "tests/phone/stage.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "phone/log.h"

enum { FILES_MAX = 4 };

static const char *path_in(const struct stage *stage, const char *name, char to[STAGE_PATH_SIZE])
{
	snprintf(to, STAGE_PATH_SIZE, "%s/%s", stage->folder, name);
	return to;
}

/* ---- time ------------------------------------------------------------------------------------ */

static void ring(void *user)
{
	struct stage *stage = user;

	stage->late = true;
}

void stage_set_time(struct stage *stage, unsigned ms)
{
	stage->late = false;
	net_timer_set(stage->timer, net_now_ms() + ms);
}

void stage_step(struct stage *stage)
{
	assert_int_equal(net_loop_step(stage->loop), 0);
	if (stage->late)
		fail_msg("it did not come in time");
}

void stage_settle(struct stage *stage, unsigned ms)
{
	stage_set_time(stage, ms);
	while (!stage->late)
		assert_int_equal(net_loop_step(stage->loop), 0);
}

/* ---- servers --------------------------------------------------------------------------------- */

struct net_address stage_address(unsigned index)
{
	return (struct net_address){.ip = {[10] = 0xff, 0xff, 127, 0, 1, (uint8_t)(index + 1)}};
}

struct net_tls *stage_certify(struct stage *stage, unsigned index, const char *names)
{
	const struct lab_certificate wanted = {.names = names};
	char name[16], path[STAGE_PATH_SIZE], why[256];
	struct net_tls_config config = {.certificate_file = path};

	snprintf(name, sizeof name, "%u.pem", index + 1);
	path_in(stage, name, path);
	assert_int_equal(lab_authority_issue(stage->authority, &wanted, path), 0);
	assert_int_equal(net_tls_create(&stage->tls[index], &config, why, sizeof why), 0);
	return stage->tls[index];
}

void stage_open_server(struct stage *stage, unsigned index, const struct stage_server *server)
{
	const struct lab_sipserver_config config = {
		.local = stage_address(index),
		.transport = server->transport,
		.tls = stage_certify(stage, index, server->names),
		.registrar = {.realm = "sip.test", .username = "alice", .password = "secret"},
		.on_sight = server->on_sight,
		.user = server->user,
	};

	assert_int_equal(lab_sipserver_open(&stage->servers[index], stage->loop, &config), 0);
}

void stage_serve_names(struct stage *stage, const char *records)
{
	struct lab_dnsserver_config config = {
		.local = {.ip = {[10] = 0xff, 0xff, 127, 0, 1, 53}},
	};
	char zone[4096], why[128];

	snprintf(zone, sizeof zone, "$TTL 300\n%s", records);
	stage->zone = lab_zone_parse(zone, "zone", why, sizeof why);
	assert_non_null(stage->zone);
	config.zone = stage->zone;
	assert_int_equal(lab_dnsserver_open(&stage->dns, stage->loop, &config), 0);
}

/* ---- the phone ------------------------------------------------------------------------------- */

void stage_write(const struct stage *stage, const char *name, const char *text)
{
	char path[STAGE_PATH_SIZE];
	FILE *to = fopen(path_in(stage, name, path), "w");

	assert_non_null(to);
	assert_int_equal(fchmod(fileno(to), 0600), 0);
	fputs(text, to);
	fclose(to);
}

struct config *stage_load(const struct stage *stage, const char *const *names, unsigned count)
{
	char paths[FILES_MAX][STAGE_PATH_SIZE];
	const char *files[FILES_MAX];
	const struct config_options options = {.files = files, .file_count = count};
	struct config *config;

	assert_in_range(count, 1, FILES_MAX);
	for (unsigned i = 0; i < count; i++)
		files[i] = path_in(stage, names[i], paths[i]);
	assert_int_equal(config_load(&options, &config), 0);
	assert_int_equal(config->diagnostic_count, 0);
	return config;
}

void stage_create_phone(struct stage *stage)
{
	struct phone_config config = {
		.loop = stage->loop,
		.config = stage->config,
		.bind = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}},
		.on_call = stage->on_call,
		.user = stage->user,
	};
	char ca[STAGE_PATH_SIZE], why[PHONE_WHY_MAX];

	net_resolver_config_init(&config.resolver);
	config.resolver.servers[config.resolver.server_count++] = lab_dnsserver_local(stage->dns);
	config.tls.ca_file = path_in(stage, "ca.pem", ca);
	assert_int_equal(phone_create(&stage->phone, &config, why), 0);
}

/* ---- life ------------------------------------------------------------------------------------ */

void stage_begin(struct stage *stage)
{
	char path[STAGE_PATH_SIZE];

	sip_init();
	phone_log_set_level(PHONE_LOG_NOTHING);
	strcpy(stage->folder, "/tmp/keepline-stage-XXXXXX");
	assert_non_null(mkdtemp(stage->folder));
	assert_int_equal(net_loop_create(&stage->loop), 0);
	assert_int_equal(
		net_timer_create(&stage->timer, stage->loop, (struct net_callback){ring, stage}),
		0);
	assert_int_equal(lab_authority_create(&stage->authority), 0);
	assert_int_equal(lab_authority_write(stage->authority, path_in(stage, "ca.pem", path)), 0);
}

static void remove_folder(const struct stage *stage)
{
	DIR *folder = opendir(stage->folder);
	const struct dirent *entry;

	assert_non_null(folder);
	while ((entry = readdir(folder)))
		unlinkat(dirfd(folder), entry->d_name, 0);
	closedir(folder);
	assert_int_equal(rmdir(stage->folder), 0);
}

void stage_end(struct stage *stage)
{
	phone_free(stage->phone);
	config_free(stage->config);
	for (unsigned i = 0; i < STAGE_SERVERS; i++) {
		lab_sipserver_close(stage->servers[i]);
		net_tls_free(stage->tls[i]);
	}
	lab_dnsserver_close(stage->dns);
	lab_zone_free(stage->zone);
	lab_authority_free(stage->authority);
	net_timer_free(stage->timer);
	net_loop_free(stage->loop);
	remove_folder(stage);
}
