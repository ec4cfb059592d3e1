/* scenario.h - a story in a text file, played in virtual time, and the transcript that it leaves.
 *
 * A file is a comment that tells the story and names what it proves, commands, a line "----", and
 * the transcript as it should be.  A command is one line; '#' begins a comment.
 *
 * The device, said before it runs; without these it is one line at example.test over UDP:
 *
 *	profile NAME                    what entries named from here on start with (poly)
 *	set FIELD VALUE                 one value of policy.def
 *	line N [group N] [key N] [entry N] [name NAME] [and NAME]...
 *	       [transport naptr|udp|tcp|tls|tcp-preferred]
 *	       [port N] [unregistered] [FIELD VALUE]...
 *	transports udp|tcp|tls...       that the phone has (udp)
 *	families ipv4|ipv6|both         limit NAME N          seed N
 *	static srv|a|aaaa|naptr ...     a static record, said as "dns" says one (TTL 300 s); a
 *server that it names stands above it
 *	remember srv|a|aaaa|naptr ...   the same, as remembered from before a restart
 *
 * The world.  A new server gets an address and, unless it is unlisted, a service record behind
 * those that its zone has.  "up" takes its faults away.  Seconds are bare numbers where SIP and
 * the DNS have them so; a TIME has its unit: 500ms 3.5s 10min 1h.
 *
 *	server NAME [in ZONE] [over udp|tcp|tls] [unlisted] [at ADDRESS] [port N]
 *	       [delay TIME] [slow TIME]
 *	       [up|silent|unheard|unsendable|unreachable [net|host|protocol|port|prohibited|hops]]
 *	       [refusing|mute|tls-fails] [redirects-to SERVER [TRANSPORT]]
 *	       [answers [METHOD] STATUS[@TIME]...] [retry-after S] [grants S] [min-expires S]
 *	       [trusts|challenges|distrusts|refuses|foreign] [stale] [forgets] [overloaded N]
 *	       [outbound (RFC 5626; "up" leaves it)] [lacks-outbound (answers 439)]
 *	dns srv OWNER PRIORITY WEIGHT PORT TARGET [ttl S]
 *	dns a|aaaa OWNER ADDRESS|SERVER [ttl S]
 *	dns naptr OWNER ORDER PREFERENCE FLAG|- SERVICE REPLACEMENT [ttl S]
 *	dns remove OWNER [TYPE]         dns ttl S (of records that name none: a day)
 *	dns up|silent|failed|negative [OWNER]
 *	dns delay TIME                  dns patience TIME (until a silent resolver is given up)
 *
 * What happens; requests and calls are named by numbers:
 *
 *	start [line N]    stop [line N]    run TIME    until TIME    at TIME COMMAND
 *	call N [line N]   request METHOD N [line N]    incoming N [line N] [from SERVER|ADDRESS]
 *	cancel N          hangup N         signal N    forge SERVER
 *	dialog N 408|503|unreachable (a request inside N's dialog ended so)
 *	link down|up      address (the phone's own is another)
 *	drop SERVER [keepalive|flow]       its streams end, or are found dead, or the flows over UDP
 *	ping SERVER                        it sends CRLF CRLF on its streams
 *	reload           what follows says another device, as at the beginning; lines whose keys
 *	                 and entries are the same go on in it, by their new numbers
 *	release N                          cancelled or hung up, however far it has come
 *	network [loss PERCENT] [duplicates PERCENT] [jitter TIME] [seed N]    of all datagrams
 *	sleep TIME (what comes waits so long)    restart (loses power)
 *	copy (moves the engine to a copy of its block)
 *	adopt (goes over to another engine of the same device, as a reload does)
 *	heal (every server, the DNS, the network; users hang up, lines are on)
 *	judge (is all well?)               judge call N (did it get through?)
 *
 * A rule of sim/invariants.h that breaks is told as "broken: ...".
 *
 *	subscribe N [line N] [expires S]   unsubscribe N
 *	notify N active|pending|terminated [REASON] [retry-after S] [expires S]
 *	shared-call N [emergency] [line N] (the line is seized first)
 *
 * What is told; kinds of lines are query, send, abandon, close, outcome, subscription, state, move,
 * failback, current, routes, lookup, working, late, health, keepalive; query, abandon and routes
 * are hidden at first.  A TCP or TLS route is shown as SERVER/TRANSPORT:
 *
 *	show KIND...      hide KIND...
 *	print registrations|counts|routes|state|candidates [line N]
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum {
	SIM_ERROR_MAX = 512, /* bytes of an error's text, its NUL included */
};

struct sim_scenario {
	char *text;       /* the whole file */
	size_t head_size; /* of its part above the "----" */
	const char *expected;
	char *happened;
	char error[SIM_ERROR_MAX]; /* "file:line: what is wrong" */
};

/* Reads PATH and plays it.  0, or -1 with `error` set; free it either way. */
int sim_scenario_run(struct sim_scenario *scenario, const char *path);

/* The same for TEXT; NAME stands for the file's in errors. */
int sim_scenario_play(struct sim_scenario *scenario, const char *name, const char *text);

void sim_scenario_free(struct sim_scenario *scenario);

/* Did happen what was expected? */
bool sim_scenario_agrees(const struct sim_scenario *scenario);

/* Writes PATH anew, with what happened below the "----".  0, or -1 with `error` set. */
int sim_scenario_rewrite(struct sim_scenario *scenario, const char *path);

/* Writes both transcripts as one, each line after BEFORE: "-" was expected and did not happen,
 * "+" happened and was not expected. */
void sim_scenario_diff(const struct sim_scenario *scenario, const char *before, FILE *to);

#endif
