/* basebackup.h - run pg_basebackup and show how far it is. */
#ifndef PGRMON_BASEBACKUP_H
#define PGRMON_BASEBACKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "err.h"

struct basebackup {
    const char *program;   /* path of pg_basebackup */
    const char *directory; /* to fill; absent or empty */
    const char *conninfo;  /* of the source, may hold a password */
    const char *slot;      /* to stream WAL from; NULL: a temporary one */
    bool fast_checkpoint;
    const char *extra_options; /* pg_basebackup_options, split as a shell would */
    const struct config_list *tablespace_mapping;
    void (*on_tick)(void *arg); /* called now and then while it runs */
    void *arg;
};

/* Run it. A password goes through an inherited descriptor: neither arguments nor
 * environment nor a file ever hold it. Returns an exit code; on failure the directory
 * may hold part of the copy. */
int basebackup_run(const struct basebackup *backup, struct err *err) PGRMON_MUST_CHECK;

#endif
