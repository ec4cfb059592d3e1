/* cli.h - the subcommands of keepline, one file each.
 *
 * Each takes its own arguments, argv[0] being its name, and returns the exit status: 0 done; 1 it
 * ran and the answer is bad; 2 wrong usage or unreadable input.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

int cli_answer(int argc, char **argv);
int cli_call(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_demo(int argc, char **argv);
int cli_events(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_hangup(int argc, char **argv);
int cli_hold(int argc, char **argv);
int cli_lab(int argc, char **argv);
int cli_reject(int argc, char **argv);
int cli_resume(int argc, char **argv);
int cli_run(int argc, char **argv);
int cli_simulate(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_subscribe(int argc, char **argv);

#endif
