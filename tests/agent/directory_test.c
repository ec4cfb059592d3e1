/* agent/directory: who is inside, and the numbers that stay over reloads (AGENT-2, AGENT-9). */
#include "tests/sip/parse.h"

#include "agent/directory.h"
#include "tests/config/load.h"

#define ALICE "lines:\n  - {user: alice, domain: example.com, servers: {name: sip.example.com}}\n"
#define BOB "  - {user: bob, domain: example.com, servers: {name: sip.example.com}}\n"
#define OTHER_BOB "  - {user: bob, domain: other.example, servers: {name: 192.0.2.7}}\n"
#define INSIDE "inside:\n  endpoints:\n"
#define DESK "    - {user: desk, password: a, lines: [1]}\n"
#define SOFT "    - {user: soft, password: b}\n"
#define PBX "    - {user: pbx, address: 192.0.2.1:5080}\n"

static uint32_t by_name(const struct agent_directory *directory, const char *name)
{
	return agent_directory_by_name(directory, sip_span_of(name));
}

static void test_who_and_which_line(void **state)
{
	struct config *config = load_text(ALICE BOB OTHER_BOB INSIDE DESK SOFT PBX);
	struct agent_directory *d =
		agent_directory_new(&(struct agent_directory_order){.config = config});
	struct net_address address = {.port = 0};
	char token[AGENT_TOKEN_MAX];

	(void)state;
	assert_int_equal(by_name(d, "desk"), 0);
	assert_int_equal(by_name(d, "Desk"), AGENT_NONE);
	assert_int_equal(net_address_parse(&address, "192.0.2.1", 1234), 0);
	assert_int_equal(agent_directory_by_address(d, &address), 2);
	assert_true(agent_directory_place(d, 2, &address));
	assert_int_equal(address.port, 5080);
	assert_false(agent_directory_place(d, 0, &address));
	agent_directory_token(d, 1, token);
	assert_int_equal(agent_directory_by_token(d, sip_span_of(token)), 1);
	token[3] = 'x';
	assert_int_equal(agent_directory_by_token(d, sip_span_of(token)), AGENT_NONE);
	/* One line is meant whatever is said; of several the one that is named. */
	assert_int_equal(agent_directory_line(d, 0, sip_span_of("sip:bob@other.example")), 0);
	assert_int_equal(agent_directory_line(d, 1, sip_span_of("sip:bob@other.example")), 2);
	assert_int_equal(agent_directory_line(d, 1, sip_span_of("sip:bob@Example.com")), 1);
	assert_int_equal(agent_directory_line(d, 1, sip_span_of("sip:carol@example.com")),
			 AGENT_NONE);
	/* AGENT-9: the line's own domain, its servers, and telephone numbers. */
	assert_true(agent_directory_is_ours(d, 2, sip_span_of("sip:x@other.example")));
	assert_true(agent_directory_is_ours(d, 2, sip_span_of("sip:x@192.0.2.7:5062")));
	assert_true(agent_directory_is_ours(d, 2, sip_span_of("tel:+49301234")));
	assert_false(agent_directory_is_ours(d, 2, sip_span_of("sip:x@example.com")));
	assert_false(agent_directory_is_ours(d, 2, sip_span_of("mailto:x@other.example")));
	agent_directory_free(d);
	config_free(config);
}

/* ALICE leaves, and comes back; desk leaves, and late comes. */
static void test_numbers_stay(void **state)
{
	struct config *configs[] = {
		load_text(ALICE BOB INSIDE DESK SOFT PBX),
		load_text("lines:\n" BOB OTHER_BOB INSIDE PBX SOFT
			  "    - {user: late, password: c, lines: [1]}\n"),
		load_text(ALICE BOB INSIDE SOFT DESK),
	};
	const uint32_t second[] = {1, 2}, third[] = {0, 1};
	struct agent_directory *first = agent_directory_new(
				       &(struct agent_directory_order){.config = configs[0]}),
			       *then, *back;

	(void)state;
	then = agent_directory_new(&(struct agent_directory_order){
		.config = configs[1], .before = first, .line_numbers = second});
	agent_directory_free(first);
	config_free(configs[0]);
	assert_int_equal(agent_directory_endpoint_count(then), 4);
	assert_int_equal(agent_directory_line_count(then), 3);
	assert_int_equal(by_name(then, "pbx"), 2);
	assert_int_equal(by_name(then, "late"), 3);
	assert_int_equal(by_name(then, "desk"), AGENT_NONE);
	assert_null(agent_directory_endpoint(then, 0));
	assert_string_equal(agent_directory_name(then, 0), "desk");
	assert_null(agent_directory_config_line(then, 0));
	assert_string_equal(agent_directory_config_line(then, 2)->domain, "other.example");
	assert_false(agent_directory_uses(then, 0, 1)); /* who left */
	assert_false(agent_directory_uses(then, 1, 0)); /* a line that left */
	assert_true(agent_directory_uses(then, 1, 2));
	assert_true(agent_directory_uses(then, 3, 1)); /* the first of the file is bob, number 1 */
	assert_false(agent_directory_uses(then, 3, 2));
	assert_int_equal(agent_directory_line(then, 3, sip_span_of("sip:x@y")), 1);
	assert_int_equal(agent_directory_line(then, 0, sip_span_of("sip:bob@example.com")),
			 AGENT_NONE);
	assert_false(agent_directory_is_ours(then, 0, sip_span_of("sip:x@example.com")));
	assert_int_equal(agent_directory_line_by_key(then, agent_directory_line_key(then, 2)), 2);
	assert_int_equal(agent_directory_line_by_key(then, agent_directory_line_key(then, 0)),
			 AGENT_NONE);

	back = agent_directory_new(&(struct agent_directory_order){
		.config = configs[2], .before = then, .line_numbers = third});
	agent_directory_free(then);
	config_free(configs[1]);
	assert_int_equal(by_name(back, "desk"), 0);
	assert_int_equal(by_name(back, "soft"), 1);
	assert_int_equal(by_name(back, "late"), AGENT_NONE);
	assert_int_equal(agent_directory_by_key(back, agent_directory_endpoint_key(back, 0)), 0);
	assert_string_equal(agent_directory_config_line(back, 0)->user, "alice");
	assert_int_equal(agent_directory_endpoint_count(back), 4);
	agent_directory_free(back);
	config_free(configs[2]);
}

/* A file whose `inside` was taken out: nobody is there, and all have their numbers. */
static void test_nobody(void **state)
{
	struct config *full = load_text(ALICE INSIDE DESK), *empty = load_text(ALICE);
	struct agent_directory *first = agent_directory_new(
				       &(struct agent_directory_order){.config = full}),
			       *then = agent_directory_new(&(struct agent_directory_order){
				       .config = empty, .before = first});

	(void)state;
	assert_int_equal(by_name(then, "desk"), AGENT_NONE);
	assert_string_equal(agent_directory_name(then, 0), "desk");
	assert_false(agent_directory_uses(then, 0, 0));
	agent_directory_free(then);
	agent_directory_free(first);
	config_free(empty);
	config_free(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_and_which_line),
		cmocka_unit_test(test_numbers_stay),
		cmocka_unit_test(test_nobody),
	};

	sip_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
