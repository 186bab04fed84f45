/* pidfile.h - one daemon per PID file: the lock decides, not the number in it. */
#ifndef PGRMOND_PIDFILE_H
#define PGRMOND_PIDFILE_H

#include "err.h"

struct pidfile {
    int fd; /* -1 = none */
    char *path;
};

#define PIDFILE_NULL                                                                   \
    {                                                                                  \
        -1, 0                                                                          \
    }

/* Create `path`, lock it for as long as this process lives, write our PID. A file whose
 * daemon died is taken over. -EEXIST when a living one holds it (its PID in the
 * DETAIL), another -errno when it cannot be written. */
int pidfile_open(struct pidfile *ret,
                 const char *path,
                 struct err *err) PGRMON_MUST_CHECK;

/* Remove the file and release the lock. Nothing happens when none is open. */
void pidfile_close(struct pidfile *pidfile);

#endif
