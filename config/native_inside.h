/* native_inside.h - the `inside` section of the native file. */
#ifndef CONFIG_NATIVE_INSIDE_H
#define CONFIG_NATIVE_INSIDE_H

#include "config/inside.h"
#include "config/yaml.h"

struct native_endpoint {
	struct position at;
	struct yaml_leaf user, address, transport;
	struct yaml_leaf password, password_file, password_env;
	struct yaml_list lines;  /* of leaves */
	struct yaml_leaf secret; /* the password, wherever it was kept */
};

struct native_inside {
	struct position at;
	struct yaml_leaf listen, realm, digest, when_out, journal, replace_loopback, requests_max;
	struct yaml_list endpoints; /* of struct native_endpoint */
};

extern const struct yaml_table native_inside_table;

/* Gets the passwords of a section that was read from FILE; INSIDE may be NULL. */
void native_read_inside(struct config_store *store, struct file *file,
			const struct native_inside *inside);

/* Makes the config's own from the first file that has the section, which may be NULL.  The lines
 * are there.  An endpoint that can't be served is told and left out. */
void native_fill_inside(struct config_store *store, const struct native_inside *inside);

#endif
