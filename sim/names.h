/* names.h - the DNS of the simulated world: records, and what is wrong with it. */
#ifndef SIM_NAMES_H
#define SIM_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "keepline/keepline.h"

struct sim_record {
	enum kl_record_type type;
	char owner[KL_NAME_MAX + 1];
	char name[KL_NAME_MAX + 1]; /* target or replacement */
	char service[16];
	struct kl_dns_record data; /* its pointers are set when it is looked up */
};

/* A name whose questions end in another way than the records say. */
struct sim_name_fault {
	char owner[KL_NAME_MAX + 1];
	enum kl_dns_status status;
};

struct sim_names {
	struct sim_record *records;
	size_t record_count, record_room;
	struct sim_name_fault *faults;
	size_t fault_count, fault_room;
	enum kl_dns_status status; /* of the resolver; KL_DNS_ANSWER: healthy */
	kl_ms delay_ms;            /* until an answer */
	kl_ms silence_ms;          /* until the phone gives a silent resolver up */
};

/* A resolver that knows nothing, answers at once, and is given up after 10 s of silence. */
void sim_names_init(struct sim_names *names);

void sim_names_free(struct sim_names *names);

/* Adds a record behind those of the same owner and type. */
void sim_names_add(struct sim_names *names, const struct sim_record *record);

/* Takes the records of OWNER away: all (TYPE 0) or those of one type. */
void sim_names_remove(struct sim_names *names, const char *owner, enum kl_record_type type);

/* From now on questions for OWNER end so; KL_DNS_ANSWER: as the records say. */
void sim_names_break(struct sim_names *names, const char *owner, enum kl_dns_status status);

/* How the question ends.  RECORDS gets the answer, *COUNT how many; good until the next change. */
enum kl_dns_status sim_names_ask(const struct sim_names *names, enum kl_record_type type,
				 const char *owner,
				 struct kl_dns_record records[KL_DNS_RECORDS_MAX], uint32_t *count);

#endif
