/* native_secret.h - passwords and keys of the native file, wherever they are kept. */
#ifndef CONFIG_NATIVE_SECRET_H
#define CONFIG_NATIVE_SECRET_H

#include "config/native_rows.h"

/* The ways in which a password may be given. */
struct native_ways {
	const struct yaml_leaf *password, *file, *env;
};

/* The password that is given so: in FILE itself, in a file of its own, or in the environment.
 * Without text if there is none, or it can't be had, which is told; so is a file that everyone may
 * read, FILE once: its open_to_all is then false. */
struct yaml_leaf native_secret(struct config_store *store, struct file *file,
			       const struct native_ways *given);

/* The path that LEAF names: a relative one counts from the folder of the file that LEAF stands in.
 */
const char *native_path(struct config_store *store, const struct yaml_leaf *leaf);

/* Tells what is wrong with the files of TLS, which may be NULL. */
void native_check_tls(struct config_store *store, const struct native_tls *tls);

#endif
