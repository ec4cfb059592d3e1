/* stage.h - a phone among servers over TCP and TLS: what the tests of its streams share.
 *
 * All in one loop: an authority, whom the phone trusts; up to two servers of the lab at 127.0.1.1
 *and 127.0.1.2, whose certificates it signs; a DNS server; a folder for their files.  What fails,
 *fails the test.
 *
 *	stage_begin(&stage);
 *	stage_open_server(&stage, 0, &server);
 *	stage_serve_names(&stage, "s1.test. A 127.0.1.1\n");
 *	stage_write(&stage, "phone.yaml", "lines: ...");
 *	stage.config = stage_load(&stage, files, 1);
 *	stage_create_phone(&stage);
 *	...
 *	stage_end(&stage);
 */
#ifndef TESTS_PHONE_STAGE_H
#define TESTS_PHONE_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab/certificate.h"
#include "lab/dnsserver.h"
#include "lab/sipserver.h"
#include "phone/phone.h"
#include "phone/status.h"

enum { STAGE_SERVERS = 2, STAGE_WAIT_MS = 20000, STAGE_PATH_SIZE = 128 };

struct stage {
	struct net_loop *loop;
	struct net_timer *timer;
	bool late; /* the time of stage_set_time() is over */
	char folder[64];
	struct lab_authority *authority;
	struct net_tls *tls[STAGE_SERVERS];
	struct lab_sipserver *servers[STAGE_SERVERS];
	struct lab_zone *zone;
	struct lab_dnsserver *dns;
	struct config *config; /* freed by stage_end() */
	void (*on_call)(void *user, const struct phone_call_event *event); /* of the phone */
	void *user;
	struct phone *phone;
};

void stage_begin(struct stage *stage); /* STAGE is all zero */
void stage_end(struct stage *stage);

/* The address of a server: 127.0.1.(INDEX + 1), any port. */
struct net_address stage_address(unsigned index);

/* What server INDEX shows: a certificate of the authority for NAMES, as in struct lab_certificate.
 * The stage frees it. */
struct net_tls *stage_certify(struct stage *stage, unsigned index, const char *names);

struct stage_server {
	enum sip_transport transport;
	const char *names; /* in its certificate */
	void (*on_sight)(void *user, const struct lab_sip_sight *sight);
	void *user;
};

/* A server of the lab, which registers alice with the password "secret". */
void stage_open_server(struct stage *stage, unsigned index, const struct stage_server *server);

/* Serves RECORDS, lines of a zone file. */
void stage_serve_names(struct stage *stage, const char *records);

/* Writes a file into the folder; loads files from there, which must be without a mistake. */
void stage_write(const struct stage *stage, const char *name, const char *text);
struct config *stage_load(const struct stage *stage, const char *const *names, unsigned count);

void stage_create_phone(struct stage *stage);

/* Gives the steps that follow so long; a step after that fails the test. */
void stage_set_time(struct stage *stage, unsigned ms);
void stage_step(struct stage *stage);

/* Runs the loop for so long. */
void stage_settle(struct stage *stage, unsigned ms);

#endif
