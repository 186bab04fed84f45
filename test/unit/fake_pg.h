/* fake_pg.h - a server that speaks just enough of PostgreSQL's protocol (manual chapter
 * 55) to be rude in every way that a real one can be; served by the test's own loop. */
#ifndef PGRMON_TEST_FAKE_PG_H
#define PGRMON_TEST_FAKE_PG_H

#include <ev.h>
#include <stdbool.h>

enum fake_pg_mode {
    FAKE_PG_SILENT,   /* takes the connection and says nothing */
    FAKE_PG_FOREIGN,  /* answers like a web server */
    FAKE_PG_HANGS_UP, /* closes at once */
    FAKE_PG_REFUSES,  /* ErrorResponse with `sqlstate` */
    FAKE_PG_SERVES,   /* lets us in */
};

enum fake_pg_reply {
    FAKE_PG_ROW,     /* one row, one column: `value` */
    FAKE_PG_ERROR,   /* ERROR with `sqlstate` */
    FAKE_PG_FATAL,   /* FATAL with `sqlstate`, and the connection closed */
    FAKE_PG_NOTHING, /* no reply to a statement */
    FAKE_PG_CUT,     /* half a reply, and the connection closed */
    FAKE_PG_COPY,    /* CopyOutResponse */
};

#define FAKE_PG_MAX_CLIENTS 8

struct fake_pg;

struct fake_pg_client {
    struct fake_pg *pg;
    ev_io io;
    int fd; /* 0 when free */
    bool started;
    unsigned char in[8192];
    size_t n_in;
};

struct fake_pg {
    struct ev_loop *loop;
    ev_io io;
    int listen_fd;
    int port;
    enum fake_pg_mode mode;
    enum fake_pg_reply reply;
    const char *sqlstate;
    const char *severity; /* as lc_messages words it */
    const char *value;
    int pid; /* what the start-up says; the setup statement gets 4711 */
    int n_connections;
    int n_statements;
    struct fake_pg_client clients[FAKE_PG_MAX_CLIENTS];
    char conninfo[128];
};

/* Listens on a free port of 127.0.0.1. */
void fake_pg_init(struct fake_pg *pg, struct ev_loop *loop, enum fake_pg_mode mode);
void fake_pg_deinit(struct fake_pg *pg);

/* To every client: FATAL (between statements libpq takes it for a notice); a NOTIFY;
 * the end of the connection. */
void fake_pg_send_fatal(struct fake_pg *pg, const char *sqlstate);
void fake_pg_send_notify(struct fake_pg *pg, const char *channel, const char *payload);
void fake_pg_hang_up(struct fake_pg *pg);

#endif
