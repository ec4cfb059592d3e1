/* native_secret.c - passwords and keys of the native file, wherever they are kept. */
#include "config/native_secret.h"

#include <stdlib.h>
#include <string.h>

static void tell(struct config_store *store, enum config_severity severity,
		 const struct yaml_leaf *leaf, const char *text)
{
	store_tell(store, (struct subject){severity, &leaf->at, leaf->name}, "%s", text);
}

static void tell_open(struct config_store *store, const struct yaml_leaf *leaf)
{
	tell(store, CONFIG_WARNING, leaf,
	     "every user of this machine may read the file that holds it: chmod o-r, or use "
	     "password_file or password_env");
}

const char *native_path(struct config_store *store, const struct yaml_leaf *leaf)
{
	const char *slash = strrchr(leaf->at.file, '/');
	if (*leaf->text == '/' || !slash)
		return leaf->text;
	return arena_format(&store->arena, "%.*s/%s", (int)(slash - leaf->at.file), leaf->at.file,
			    leaf->text);
}

/* The first line of a file. */
static void read_secret_file(struct config_store *store, struct yaml_leaf *leaf)
{
	struct file file;
	const char *why = file_read(&file, native_path(store, leaf));
	leaf->text = NULL;
	if (why) {
		tell(store, CONFIG_ERROR, leaf,
		     arena_format(&store->arena, "the file cannot be read: %s", why));
		return;
	}
	if (file.open_to_all)
		tell_open(store, leaf);
	leaf->text = arena_copy(&store->arena, file.bytes, strcspn(file.bytes, "\r\n"));
	explicit_bzero(file.bytes, file.size);
	file_free(&file);
}

static void read_environment(struct config_store *store, struct yaml_leaf *leaf)
{
	const char *value = getenv(leaf->text);
	if (!value)
		tell(store, CONFIG_ERROR, leaf, "this environment variable is not set");
	leaf->text = value ? arena_copy(&store->arena, value, strlen(value)) : NULL;
}

struct yaml_leaf native_secret(struct config_store *store, struct file *file,
			       const struct native_ways *given)
{
	const struct yaml_leaf *ways[] = {given->password, given->file, given->env};
	struct yaml_leaf secret = {0};
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (ways[i]->text && secret.text)
			tell(store, CONFIG_ERROR, ways[i],
			     "one password is enough; this one "
			     "is not used");
		else if (ways[i]->text)
			secret = *ways[i];
	}
	if (secret.text && secret.text == given->password->text && file->open_to_all) {
		tell_open(store, &secret);
		file->open_to_all = false;
	} else if (secret.text && secret.text == given->file->text) {
		read_secret_file(store, &secret);
	} else if (secret.text && secret.text == given->env->text) {
		read_environment(store, &secret);
	}
	return secret;
}

/* FILE_OF must hold a PEM block whose name ends in WANTED. */
static void check_pem(struct config_store *store, const struct yaml_leaf *file_of,
		      const char *wanted)
{
	struct file file;
	if (!file_of->text)
		return;
	const char *why = file_read(&file, native_path(store, file_of));
	if (why) {
		tell(store, CONFIG_ERROR, file_of,
		     arena_format(&store->arena, "the file cannot be read: %s", why));
		return;
	}
	if (!strstr(file.bytes, wanted))
		tell(store, CONFIG_ERROR, file_of,
		     arena_format(&store->arena, "no PEM block \"%s\" is in it", wanted));
	else if (file.open_to_all && strstr(file.bytes, "PRIVATE KEY-----"))
		tell(store, CONFIG_WARNING, file_of,
		     "every user of this machine may read this key: chmod o-r");
	explicit_bzero(file.bytes, file.size);
	file_free(&file);
}

void native_check_tls(struct config_store *store, const struct native_tls *tls)
{
	if (!tls)
		return;
	check_pem(store, &tls->ca_file, "-----BEGIN CERTIFICATE-----");
	check_pem(store, &tls->cert, "-----BEGIN CERTIFICATE-----");
	check_pem(store, &tls->key, "PRIVATE KEY-----");
	if (tls->cert.text && !tls->key.text)
		tell(store, CONFIG_ERROR, &tls->cert, "a certificate needs its key beside it");
	if (tls->key.text && !tls->cert.text)
		tell(store, CONFIG_ERROR, &tls->key, "a key needs its certificate beside it");
}
