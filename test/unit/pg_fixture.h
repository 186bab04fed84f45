/* pg_fixture.h - real PostgreSQL clusters for unit tests, below one temporary
 * directory.
 *
 * Run as root, the test goes into process and IPC namespaces of its own, so that it
 * cannot touch anybody else's PostgreSQL, and becomes user postgres. Clusters listen on
 * a Unix socket in their own directory only. Every wait has a deadline; a failed one
 * fails the test.
 */
#ifndef PGRMON_PG_FIXTURE_H
#define PGRMON_PG_FIXTURE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PG_WAIT_MS 60000 /* generous: it only ends what would hang */

struct pg {
    char directory[96]; /* socket and log */
    char data[128];     /* the data directory */
};

/* Become postgres, make the directory and a template. 0, or 1 with a message. */
int pg_fixture_begin(void);
/* Stop and remove everything. */
void pg_fixture_end(void);
/* The temporary directory. */
const char *pg_fixture_directory(void);

/* A new cluster, not started; the name is a directory's. */
void pg_make(struct pg *pg, const char *name);
/* Start it by pg_ctl, with more options ("-c archive_mode=on"), and wait. */
void pg_start(const struct pg *pg, const char *options);
/* False when pg_ctl start fails. */
bool pg_can_start(const struct pg *pg);
/* Start the postmaster as our own child (it becomes our zombie), and wait. */
pid_t pg_start_child(const struct pg *pg);
/* The same, by `sh -c "COMMAND & exec postgres ..."`: the command is then a child of
 * the postmaster. */
pid_t pg_start_beside(const struct pg *pg, const char *command);
/* pg_ctl stop, mode "fast" or "immediate". */
void pg_stop(const struct pg *pg, const char *mode);
/* Kill what is left of it and remove it. */
void pg_remove(struct pg *pg);

PGconn *pg_connect(const struct pg *pg);
/* Run and expect success; for queries, the first field of the first row, to free. */
void pg_exec(PGconn *conn, const char *sql);
char *pg_value(PGconn *conn, const char *sql);
/* True when the server sends something within that time, or hangs up. */
bool pg_answers(PGconn *conn, int ms);
/* True when the pending query ended with success (waits PG_WAIT_MS). */
bool pg_succeeds(PGconn *conn);

pid_t pg_postmaster(const struct pg *pg);
/* State of a process as in proc(5), '-' when there is none. */
char pg_state_of(pid_t pid);
/* A process of ours that runs `argv` in `directory`, until it is killed. */
pid_t pg_spawn(const char *directory, const char *const argv[]);
/* A process of this user whose command line (words separated by blanks) is `line`. 0.
 */
pid_t pg_find(const char *line);

/* Wait until the condition holds. */
#define PG_WAIT(condition)                                                             \
    do {                                                                               \
        int64_t pg_end = pg_now_ms() + PG_WAIT_MS;                                     \
        while (!(condition)) {                                                         \
            if (pg_now_ms() > pg_end)                                                  \
                fail_msg("waited in vain for: %s", #condition);                        \
            pg_nap();                                                                  \
        }                                                                              \
    } while (0)
int64_t pg_now_ms(void);
void pg_nap(void);

#endif
