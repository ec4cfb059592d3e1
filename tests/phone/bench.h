/* bench.h - a phone, and the peers that a test plays for it: all in one loop, on loopback. */
#ifndef TESTS_PHONE_BENCH_H
#define TESTS_PHONE_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lab/dnsserver.h"
#include "phone/phone.h"
#include "phone/status.h"
#include "sip/message.h"

enum {
	BENCH_PEERS = 2,
	BENCH_INBOX_MAX = 64,
	BENCH_EVENTS_MAX = 64,
	BENCH_WAIT_MS =
		20000, /* how long what should happen at once may take, on a loaded machine */
};

/* A SIP server whose part the test plays, message by message. */
struct peer {
	struct bench *bench;
	struct net_udp *udp;
	bool deaf; /* what comes is thrown away */
	struct sip_message inbox[BENCH_INBOX_MAX];
	unsigned received, taken;
	unsigned keepalives; /* CRLF CRLF */
};

struct bench {
	struct net_loop *loop;
	struct net_timer *timer;
	bool late;
	struct lab_zone *zone;
	struct lab_dnsserver *dns;
	struct peer peers[BENCH_PEERS];
	struct config *config, *next; /* NEXT: a reload to it is under way */
	struct phone *phone;
	bool stopped;
	/* The first events of the calls that came, and of those that were placed by bench_call().
	 */
	struct {
		uint64_t id;
		enum phone_call_event_type type;
		uint16_t status;
		bool was_up;
		char text[KL_TEXT_MAX];
	} events[BENCH_EVENTS_MAX];
	unsigned event_count;
};

/* A phone with one line, alice, whose domain sip.test has the peers as its SRV routes in this
 * order. It moves on after two sends 100 ms apart.  PARAMETERS are more attributes of its Polycom
 * file.  The DNS knows, too: naptr.test, by NAPTR and SRV the second peer; none.test, which offers
 * no SIP. */
struct bench *bench_new(const char *parameters);
void bench_free(struct bench *bench);

/* The same, with a native file beside the Polycom one. */
struct bench *bench_new_beside(const char *parameters, const char *native);
struct bench *bench_registered_beside(const char *parameters, const char *native);

/* A bench whose line is registered with the first peer, which asks for no credentials. */
struct bench *bench_registered(const char *parameters);

/* The same, with a native file beside the other, which says how the line deals with its calls:
 * "incoming: answer". */
struct bench *bench_with_calls(const char *parameters, const char *calls);

/* Begins a reload: her line stands as line ALICE, PARAMETERS as in bench_new().  Lines that leave
 * are waited for for WAIT_MS. */
void bench_begin_reload(struct bench *bench, unsigned alice, const char *parameters,
			unsigned wait_ms);

/* The same, with a native file beside it. */
struct bench_files {
	unsigned alice;
	const char *parameters, *native;
};
void bench_begin_reload_beside(struct bench *bench, const struct bench_files *files,
			       unsigned wait_ms);

/* Runs the loop until the new configuration is in force.  The old one is freed then. */
void bench_end_reload(struct bench *bench);

/* Runs the loop until CONDITION holds; fails the test if that takes BENCH_WAIT_MS. */
void bench_wait(struct bench *bench, bool (*condition)(const struct bench *bench));

/* Runs the loop until all that was sent has come and nothing more is under way for WAIT_MS. */
void bench_settle(struct bench *bench, unsigned wait_ms);

/* Moves a peer to address 127.0.1.LAST. */
void peer_move(struct peer *peer, uint8_t last);

/* The next message that a peer gets, which must be a request of METHOD, or an answer of STATUS.
 * Repeats of the request before it are passed over.  Valid until bench_free(). */
const struct sip_message *peer_expect(struct peer *peer, enum sip_method method);
const struct sip_message *peer_next_request(struct peer *peer); /* of any method */
const struct sip_message *peer_expect_status(struct peer *peer, unsigned status);

/* Did nothing come that was not taken, repeats apart? */
bool peer_is_quiet(const struct peer *peer);

/* Sends an answer.  TAG stands in its To (NULL: none); MORE are header lines with their ends, and
 * may hold a blank line and a body. */
void peer_answer(struct peer *peer, const struct sip_message *request, unsigned status,
		 const char *tag, const char *more);

/* "Contact: <sip:bob@ADDRESS>" of the peer, as a 2xx to INVITE has it. */
const char *peer_contact(const struct peer *peer);

/* Sends any text to the phone. */
void peer_send(struct peer *peer, const char *text);

/* Sends a request inside the call that INVITE (as received) and the answer's TAG made. */
void peer_request(struct peer *peer, const struct sip_message *invite, const char *tag,
		  const char *method, unsigned cseq, const char *more);

/* A request of bob's in a dialog that he begins. */
struct peer_request {
	const char *method;
	const char *call_id;
	const char *branch; /* NULL: one of the method, the Call-ID and the CSeq */
	const char *tag;    /* of To; NULL: none */
	unsigned cseq;
	const char *more; /* header lines with their ends; may hold a blank line and a body */
};

/* Sends it to alice. */
void peer_ask(struct peer *peer, const struct peer_request *request);

/* The same inside the dialog with the Call-ID "c". */
void peer_ask_in_dialog(struct peer *peer, const char *method, const char *tag, unsigned cseq,
			const char *more);

/* Places a call to sip:bob@sip.test. */
uint64_t bench_call(struct bench *bench);

/* Notes an event of a call: phone_call_order.on_event. */
void bench_take_event(void *user, const struct phone_call_event *event);

/* The last event of that kind; fails the test if there is none. */
unsigned bench_event(const struct bench *bench, enum phone_call_event_type type);
bool bench_has_event(const struct bench *bench, enum phone_call_event_type type);

/* For bench_wait(): was any call told so? */
bool bench_rings(const struct bench *bench); /* one that came */
bool bench_is_up(const struct bench *bench);
bool bench_is_held(const struct bench *bench);
bool bench_is_over(const struct bench *bench);

/* The last call that came and rings, once there is one. */
uint64_t bench_wait_ringing(struct bench *bench);

/* The value of a path of keys and indices in the status: "lines.0.entries.0.state". */
const char *bench_status(struct bench *bench, const char *path);
long long bench_status_number(struct bench *bench, const char *path);

/* A session description with its Content-Type, to stand last in `more`. */
#define BENCH_SDP(direction)                                                                       \
	"Content-Type: application/sdp\r\n\r\n"                                                    \
	"v=0\r\no=- 1 1 IN IP4 127.0.1.1\r\ns=-\r\nc=IN IP4 127.0.1.1\r\nt=0 0\r\n"                \
	"m=audio 4000 RTP/AVP 0\r\na=" direction "\r\n"

/* The value of a header; fails the test if it is not there. */
struct sip_span header_of(const struct sip_message *message, enum sip_header_id id);
bool has_header(const struct sip_message *message, enum sip_header_id id);
void assert_span(struct sip_span span, const char *text);
bool span_contains(struct sip_span span, const char *text);

/* A tag, a header's value: as a string, valid until the next call with this BUFFER of 256 bytes. */
const char *text_of(struct sip_span span, char buffer[256]);

#endif
