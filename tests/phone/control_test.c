/* control_test.c - the control socket: status and calls for other programs, and bad input. */
#include "tests/phone/bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "phone/control.h"
#include "phone/event.h"

/* A registered phone with a control socket, and one connection to it. */
struct station {
	struct bench *bench;
	struct phone_control *control;
	char folder[64], path[96], text[65536];
	size_t length;
	int fd;
};

static struct station *station_new(void)
{
	struct station *station = calloc(1, sizeof *station);
	char why[PHONE_WHY_MAX];

	snprintf(station->folder, sizeof station->folder, "/tmp/keepline-control-test-XXXXXX");
	assert_non_null(mkdtemp(station->folder));
	snprintf(station->path, sizeof station->path, "%s/socket", station->folder);
	station->bench = bench_registered("");
	assert_int_equal(
		phone_control_open(&station->control, station->bench->phone, station->path, why),
		0);
	station->fd = phone_control_connect(station->path);
	assert_true(station->fd >= 0);
	return station;
}

static void station_free(struct station *station)
{
	if (station->fd >= 0)
		close(station->fd);
	phone_control_close(station->control);
	assert_int_equal(access(station->path, F_OK), -1);
	assert_int_equal(rmdir(station->folder), 0);
	bench_free(station->bench);
	free(station);
}

static void say(struct station *station, const char *text)
{
	assert_int_equal(send(station->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Reads what is there.  False: the connection was closed. */
static bool hear(struct station *station)
{
	ssize_t got;

	bench_settle(station->bench, 1);
	got = recv(station->fd, station->text + station->length,
		   sizeof station->text - station->length, MSG_DONTWAIT);
	if (got > 0)
		station->length += (size_t)got;
	return got > 0 || (got < 0 && errno == EAGAIN);
}

/* The next line, as JSON; the caller's to json_decref(). */
static json_t *answer(struct station *station)
{
	uint64_t until = net_now_ms() + BENCH_WAIT_MS;
	json_t *json;
	char *end;

	while (!(end = memchr(station->text, '\n', station->length))) {
		assert_true(net_now_ms() < until);
		assert_true(hear(station));
	}
	json = json_loadb(station->text, (size_t)(end - station->text), 0, NULL);
	assert_non_null(json);
	station->length -= (size_t)(end - station->text) + 1;
	memmove(station->text, end + 1, station->length);
	return json;
}

static void expect_text(struct station *station, const char *key, const char *part)
{
	json_t *json = answer(station);
	const char *text = json_string_value(json_object_get(json, key));

	assert_non_null(text);
	assert_non_null(strstr(text, part));
	json_decref(json);
}

/* Passes over what comes until an event of this kind, or a step of a call, does. */
static json_t *expect_event(struct station *station, const char *kind)
{
	for (;;) {
		json_t *json = answer(station);
		const char *event = json_string_value(json_object_get(json, "event"));
		const char *step = json_string_value(json_object_get(json, "step"));

		assert_null(json_object_get(json, "error"));
		if ((event && !strcmp(event, kind)) || (step && !strcmp(step, kind)))
			return json;
		json_decref(json);
	}
}

static void expect_ok(struct station *station)
{
	json_t *json = answer(station);

	assert_true(json_is_true(json_object_get(json, "ok")));
	json_decref(json);
}

static void take_nothing(void *user)
{
	(void)user;
}

/* SEE-1: the status over the socket, which is its owner's alone. */
static void status_is_told(void **state)
{
	struct station *station = station_new();
	struct stat found;
	json_t *status;

	(void)state;
	assert_int_equal(stat(station->path, &found), 0);
	assert_int_equal(found.st_mode & 0777, 0600);
	say(station, "{\"do\": \"status\"}\n{\"do\": ");
	status = answer(station);
	assert_int_equal(json_array_size(json_object_get(status, "lines")), 1);
	json_decref(status);
	say(station, "\"status\"}\n");
	json_decref(answer(station));
	station_free(station);
}

/* SEE-1: the keys of the status, in a registered line that has not moved. */
static void status_has_what_a_person_asks(void **state)
{
	struct station *station = station_new();
	struct bench *bench = station->bench;

	(void)state;
	assert_string_equal(bench_status(bench, "lines.0.aor"), "sip:alice@sip.test");
	assert_int_equal(bench_status_number(bench, "lines.0.line"), 1);
	assert_int_equal(bench_status_number(bench, "lines.0.working_entry"), 1);
	assert_int_equal(bench_status_number(bench, "lines.0.entries.0.registered"), 1);
	assert_int_equal(bench_status_number(bench, "lines.0.entries.0.in_failover"), 0);
	assert_string_equal(bench_status(bench, "lines.0.entries.0.next.event"), "refresh");
	assert_in_range(bench_status_number(bench, "lines.0.entries.0.next.in_ms"), 3530000,
			3540000);
	assert_in_range(bench_status_number(bench, "lines.0.entries.0.since_ms"), 0, 5000);
	assert_non_null(strstr(bench_status(bench, "lines.0.entries.0.route"), "udp 127.0.1.1:"));
	assert_string_equal(bench_status(bench, "lines.0.entries.0.routes.0.target"),
			    "server1.sip.test");
	assert_string_equal(bench_status(bench, "lines.0.entries.0.routes.0.address"), "127.0.1.1");
	assert_string_equal(bench_status(bench, "lines.0.entries.0.routes.0.status"), "up");
	assert_string_equal(bench_status(bench, "lines.0.entries.0.routes.1.status"), "unknown");
	assert_int_equal(bench_status_number(bench, "lines.0.entries.0.routes.1.priority"), 20);
	assert_int_equal(bench_status_number(bench, "lines.0.entries.0.redundancy_ready"), 0);
	assert_string_equal(bench_status(bench, "lines.0.entries.0.redundancy_why"),
			    "not every route has answered");
	station_free(station);
}

/* CALL-1 (part) through the socket: every step is an event, the last one is "over". */
static void call_is_told_step_by_step(void **state)
{
	struct station *station = station_new();
	struct peer *peer = &station->bench->peers[0];
	const struct sip_message *invite;
	json_t *event;

	(void)state;
	say(station, "{\"do\": \"call\", \"target\": \"bob\", \"line\": 1}\n");
	expect_text(station, "text", "send INVITE");
	expect_ok(station);
	invite = peer_expect(peer, SIP_INVITE);
	peer_answer(peer, invite, 180, "t", NULL);
	expect_text(station, "text", "180 Ringing");
	peer_answer(peer, invite, 200, "t", peer_contact(peer));
	json_decref(expect_event(station, "up"));
	say(station, "{\"do\": \"call\", \"target\": \"bob\"}\n");
	expect_text(station, "error", "has a call");
	say(station, "{\"do\": \"hang-up\"}\n");
	event = expect_event(station, "over");
	assert_true(json_is_true(json_object_get(event, "was_up")));
	json_decref(event);
	station_free(station);
}

/* A program that goes away takes its call with it. */
static void closing_hangs_up(void **state)
{
	struct station *station = station_new();
	struct peer *peer = &station->bench->peers[0];

	(void)state;
	say(station, "{\"do\": \"call\", \"target\": \"bob\"}\n");
	bench_settle(station->bench, 20);
	peer_answer(peer, peer_expect(peer, SIP_INVITE), 180, "t", NULL);
	bench_settle(station->bench, 20);
	close(station->fd);
	station->fd = -1;
	peer_expect(peer, SIP_CANCEL);
	station_free(station);
}

static void nonsense_is_refused(void **state)
{
	static const char *const bad[] = {
		"\n",
		"nonsense\n",
		"[]\n",
		"{\"do\": 7}\n",
		"{\"do\": \"explode\"}\n",
		"{\"do\": \"call\"}\n",
		"{\"do\": \"events\", \"line\": 9}\n",
		"{\"do\": \"events\", \"line\": \"1\"}\n",
		"{\"do\": \"subscribe\"}\n",
		"{\"do\": \"subscribe\", \"package\": \"a b\"}\n",
		"{\"do\": \"subscribe\", \"package\": \"dialog\", \"expires_s\": 0}\n",
		"{\"do\": \"unsubscribe\", \"subscription\": 77}\n",
		"{\"do\": \"hang-up\"}\n",
		"{\"do\": \"hang-up\", \"call\": 77}\n",
		"{\"do\": \"hang-up\", \"call\": \"all\"}\n",
		"{\"do\": \"answer\"}\n",
		"{\"do\": \"reject\", \"call\": 1, \"status\": 200}\n",
		"{\"do\": \"hold\", \"call\": -1}\n",
		"{\"do\": \"resume\"}\n",
		"{\"do\": \"call\", \"target\": \"bob\", \"line\": 9}\n",
		"{\"do\": \"call\", \"target\": \"tel:1\"}\n",
		"{\"do\": \"call\", \"target\": \"a\\u0000b\"}\n",
		"\xff\xfe\n",
	};
	struct station *station = station_new();

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		say(station, bad[i]);
		expect_text(station, "error", "");
	}
	say(station, "{\"do\": \"status\"}\n");
	json_decref(answer(station));
	station_free(station);
}

/* A request is bounded: who sends more is told so, and cut off. */
static void endless_request_is_cut_off(void **state)
{
	struct station *station = station_new();
	char text[PHONE_CONTROL_LINE_MAX + 1];

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	say(station, text);
	expect_text(station, "error", "too long");
	while (hear(station))
		continue;
	station_free(station);
}

/* Where the file's mode was changed, who is neither its owner nor root is turned away all the same.
 * Only root can play somebody else. */
static void strangers_are_turned_away(void **state)
{
	struct station *station = station_new();
	int result = 0;
	pid_t stranger;

	(void)state;
	if (geteuid() != 0) {
		station_free(station);
		skip();
	}
	assert_int_equal(chmod(station->folder, 0755), 0);
	assert_int_equal(chmod(station->path, 0666), 0);
	stranger = fork();
	if (stranger == 0) {
		char byte;
		int fd = setuid(65534) ? -1 : phone_control_connect(station->path);

		_exit(fd >= 0 && recv(fd, &byte, 1, 0) == 0 ? 0 : 1);
	}
	while (waitpid(stranger, &result, WNOHANG) == 0)
		bench_settle(station->bench, 5);
	assert_true(WIFEXITED(result) && WEXITSTATUS(result) == 0);
	station_free(station);
}

/* Connections are bounded, too; those that are there go on. */
static void connections_are_bounded(void **state)
{
	struct station *station = station_new();
	int others[PHONE_CONTROL_PEERS_MAX + 4];
	size_t count = sizeof others / sizeof others[0];

	(void)state;
	for (size_t i = 0; i < count; i++) {
		others[i] = phone_control_connect(station->path);
		assert_true(others[i] >= 0);
		bench_settle(station->bench, 2);
	}
	assert_int_equal(recv(others[count - 1], station->text, 1, 0), 0);
	say(station, "{\"do\": \"status\"}\n");
	json_decref(answer(station));
	for (size_t i = 0; i < count; i++)
		close(others[i]);
	station_free(station);
}

/* A socket that somebody listens on is left alone; what a crash left behind is replaced, and what
 * is no socket is not. */
static void stale_sockets_are_replaced(void **state)
{
	struct station *station = station_new();
	struct phone_control *second;
	char why[PHONE_WHY_MAX], stale[128];
	FILE *file;

	(void)state;
	assert_int_equal(phone_control_open(&second, station->bench->phone, station->path, why),
			 -EADDRINUSE);
	assert_non_null(strstr(why, station->path));

	snprintf(stale, sizeof stale, "%s/stale", station->folder);
	assert_int_equal(phone_control_open(&second, station->bench->phone, stale, why), 0);
	assert_int_equal(rename(stale, station->path), 0); /* nobody unlinks this one ... */
	phone_control_close(second);
	assert_int_equal(phone_control_open(&second, station->bench->phone, station->path, why),
			 0); /* ... and it is replaced */
	phone_control_close(second);

	file = fopen(stale, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(phone_control_open(&second, station->bench->phone, stale, why), -EEXIST);
	assert_int_equal(unlink(stale), 0);
	station_free(station);
}

/* CALL-2 (part) through the socket: a call that comes is told to who listens, is answered, held and
 * resumed by command without a name, for it is the only one, and ended by its name. */
static void call_that_comes_is_driven(void **state)
{
	struct station *station = station_new();
	struct peer *peer = &station->bench->peers[0];
	char tag[256], text[128];
	json_int_t id;
	json_t *json;

	(void)state;
	say(station, "{\"do\": \"events\"}\n");
	expect_ok(station);
	peer_ask(peer, &(struct peer_request){"INVITE", "c", NULL, NULL, 1, BENCH_SDP("sendrecv")});
	json = expect_event(station, "incoming");
	id = json_integer_value(json_object_get(json, "call"));
	assert_true(json_is_true(json_object_get(json, "incoming")));
	json_decref(json);
	text_of(peer_expect_status(peer, 180)->to.tag, tag);
	assert_string_equal(bench_status(station->bench, "lines.0.calls.0.state"), "ringing");
	say(station, "{\"do\": \"hold\"}\n");
	expect_text(station, "error", "no such call");
	say(station, "{\"do\": \"answer\"}\n");
	json_decref(expect_event(station, "up"));
	expect_ok(station);
	peer_expect_status(peer, 200);
	peer_ask(peer, &(struct peer_request){"ACK", "c", NULL, tag, 1, NULL});
	bench_settle(station->bench, 20);
	say(station, "{\"do\": \"answer\"}\n");
	expect_text(station, "error", "no such call");
	say(station, "{\"do\": \"hold\"}\n");
	expect_ok(station);
	assert_true(span_contains(peer_expect(peer, SIP_INVITE)->body, "a=sendonly"));
	snprintf(text, sizeof text, "{\"do\": \"hang-up\", \"call\": %lld}\n", (long long)id);
	say(station, text);
	json = expect_event(station, "over");
	assert_true(json_is_true(json_object_get(json, "was_up")));
	json_decref(json);
	expect_ok(station);
	station_free(station);
}

/* A call is refused by command, with the status that is wanted. */
static void call_that_comes_is_rejected(void **state)
{
	struct station *station = station_new();
	struct peer *peer = &station->bench->peers[0];

	(void)state;
	peer_ask(peer, &(struct peer_request){"INVITE", "c", NULL, NULL, 1, BENCH_SDP("sendrecv")});
	peer_expect_status(peer, 180);
	say(station, "{\"do\": \"reject\", \"status\": 200}\n");
	expect_text(station, "error", "300 to 699");
	say(station, "{\"do\": \"reject\", \"status\": 603}\n");
	expect_ok(station);
	peer_expect_status(peer, 603);
	station_free(station);
}

/* A subscription is asked for, told of step by step, and ends with the connection that made it; a
 * tag of the request stands in its answer. */
static void subscription_is_driven(void **state)
{
	struct station *station = station_new();
	struct peer *peer = &station->bench->peers[0];
	const struct sip_message *request;
	json_t *json;

	(void)state;
	say(station, "{\"do\": \"events\", \"tag\": 1}\n");
	json = answer(station);
	assert_true(json_is_true(json_object_get(json, "ok")));
	assert_int_equal(json_integer_value(json_object_get(json, "tag")), 1);
	json_decref(json);
	say(station, "{\"do\": \"subscribe\", \"package\": \"message-summary\", \"tag\": \"x\"}\n");
	json = expect_event(station, "subscription");
	assert_string_equal(json_string_value(json_object_get(json, "to")), "subscribing");
	assert_string_equal(json_string_value(json_object_get(json, "resource")),
			    "sip:alice@sip.test");
	json_decref(json);
	expect_text(station, "tag", "x");
	request = peer_expect(peer, SIP_SUBSCRIBE);
	peer_answer(peer, request, 200, "s", peer_contact(peer));
	json = expect_event(station, "subscription");
	assert_string_equal(json_string_value(json_object_get(json, "to")), "active");
	json_decref(json);
	peer_request(peer, request, "s", "NOTIFY", 1,
		     "Contact: <sip:bob@127.0.1.1>\r\n"
		     "Event: message-summary\r\nSubscription-State: active\r\n"
		     "Content-Type: application/simple-message-summary\r\n\r\n"
		     "Messages-Waiting: yes\r\n");
	json = expect_event(station, "notify");
	assert_string_equal(json_string_value(json_object_get(json, "body")),
			    "Messages-Waiting: yes\r\n");
	assert_true(json_is_true(json_object_get(json_object_get(json, "messages"), "waiting")));
	json_decref(json);
	peer_expect_status(peer, 200);
	close(station->fd);
	station->fd = -1;
	assert_span(header_of(peer_expect(peer, SIP_SUBSCRIBE), SIP_EXPIRES), "0");
	station_free(station);
}

/* SEE-1 (part): what happens to a line is told to everyone who listens, with its cause; one who
 * wants another line hears nothing. */
static void events_are_told(void **state)
{
	struct station *station = station_new();
	json_t *json;

	(void)state;
	say(station, "{\"do\": \"events\", \"line\": 1}\n");
	json_decref(answer(station));
	phone_stop(station->bench->phone, (struct net_callback){take_nothing, NULL});
	json = expect_event(station, "registration");
	assert_string_equal(json_string_value(json_object_get(json, "to")), "leaving");
	assert_int_equal(json_integer_value(json_object_get(json, "line")), 1);
	assert_non_null(strstr(json_string_value(json_object_get(json, "text")), "told to leave"));
	json_decref(json);
	station_free(station);
}

/* SEE-1 (part): a call that goes on to the next server moves its line's request: who listens hears
 * of it once, whether or not the call is his own; who hears the call alone hears it as a step of
 * that. */
static void a_move_is_told_once(void **state)
{
	(void)state;
	for (int listens = 0; listens < 2; listens++) {
		struct station *station = station_new();
		struct peer *peers = station->bench->peers;
		unsigned moves = 0, steps = 0;

		if (listens) {
			say(station, "{\"do\": \"events\"}\n");
			expect_ok(station);
		}
		say(station, "{\"do\": \"call\", \"target\": \"bob\"}\n");
		bench_settle(station->bench, 20);
		peer_answer(&peers[0], peer_expect(&peers[0], SIP_INVITE), 503, "t", NULL);
		peer_answer(&peers[1], peer_expect(&peers[1], SIP_INVITE), 603, "u", NULL);
		for (bool over = false; !over;) {
			json_t *event = answer(station);
			const char *kind = json_string_value(json_object_get(event, "event"));
			const char *step = json_string_value(json_object_get(event, "step"));
			const char *text = json_string_value(json_object_get(event, "text"));
			bool moves_on = text && strstr(text, " -> udp 127.0.1.2");

			moves += moves_on && !strcmp(kind, "move");
			steps += moves_on && !strcmp(kind, "call");
			over = step && !strcmp(step, "over");
			json_decref(event);
		}
		assert_int_equal(moves, listens);
		assert_int_equal(steps, !listens);
		station_free(station);
	}
}

/* Passes over whole lines that were heard, unread, up to one that says WORD.  False: none does. */
static bool skip_to(struct station *station, const char *word)
{
	const char *found = memmem(station->text, station->length, word, strlen(word));
	size_t before = found ? (size_t)(found - station->text) : station->length;
	const char *end = memrchr(station->text, '\n', before);
	size_t skipped = end ? (size_t)(end + 1 - station->text) : 0;

	station->length -= skipped;
	memmove(station->text, station->text + skipped, station->length);
	return found;
}

/* Who does not read misses events, and is told how many; the phone goes on. */
static void slow_reader_misses_events(void **state)
{
	struct station *station = station_new();
	struct peer *peer = &station->bench->peers[0];
	uint64_t until = net_now_ms() + 60000;
	json_t *gap;

	(void)state;
	say(station, "{\"do\": \"events\"}\n");
	json_decref(answer(station));
	peer->deaf = true;
	for (int i = 0; i < 12000; i++) {
		struct kl_action action = {.type = KL_DO_REPORT,
					   .report = {.type = KL_REPORT_STATE}};

		phone_event_report(station->bench->phone, &action);
	}
	while (hear(station) && station->length < sizeof station->text / 2)
		assert_true(net_now_ms() < until);
	while (!skip_to(station, "\"gap\"")) {
		struct kl_action action = {.type = KL_DO_REPORT,
					   .report = {.type = KL_REPORT_STATE}};

		assert_true(net_now_ms() < until && hear(station));
		phone_event_report(station->bench->phone, &action);
	}
	gap = answer(station);
	assert_true(json_integer_value(json_object_get(gap, "missed")) > 100);
	json_decref(gap);
	station_free(station);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_is_told),
		cmocka_unit_test(status_has_what_a_person_asks),
		cmocka_unit_test(call_is_told_step_by_step),
		cmocka_unit_test(closing_hangs_up),
		cmocka_unit_test(call_that_comes_is_driven),
		cmocka_unit_test(call_that_comes_is_rejected),
		cmocka_unit_test(subscription_is_driven),
		cmocka_unit_test(events_are_told),
		cmocka_unit_test(a_move_is_told_once),
		cmocka_unit_test(slow_reader_misses_events),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(endless_request_is_cut_off),
		cmocka_unit_test(strangers_are_turned_away),
		cmocka_unit_test(connections_are_bounded),
		cmocka_unit_test(stale_sockets_are_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
