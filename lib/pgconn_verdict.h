/* pgconn_verdict.h - what a failed connection attempt says about the server.
 *
 * Where the server answered, its SQLSTATE decides, in whatever language it speaks.
 * libpq gives no code for what failed on our side; its text is judged, which is safe
 * because pgconn has libpq speak in the C locale and compares with strerror()'s own
 * words. */
#ifndef PGRMON_PGCONN_VERDICT_H
#define PGRMON_PGCONN_VERDICT_H

#include <libpq-fe.h>

#include "core/reach.h"

/* Five characters and the terminator. */
#define SQLSTATE_SIZE 6

/* Judge PQerrorMessage() of one failed attempt at one address. `stage` is the last
 * PQstatus() before the failure. `sqlstate` gets the server's code, or "". */
enum reach pgconn_verdict(const char *message,
                          ConnStatusType stage,
                          char sqlstate[static SQLSTATE_SIZE]);

/* Judge the end of an open session: REACH_REFUSED when it was ended (end of file,
 * reset: the host is there), REACH_SILENT when nothing came any more. */
enum reach pgconn_verdict_of_loss(const char *message);

/* What SQLSTATE says that a server gave instead of a session. */
enum reach pgconn_verdict_of_sqlstate(const char *sqlstate);

/* Of two failures to reach one server by different ways, the one that knows more. */
enum reach pgconn_verdict_better(enum reach a, enum reach b);

/* libpq's message for people: without its hints in continuation lines, source
 * locations, repeated lines (it tries with and without TLS) and passwords. The caller
 * frees. */
char *pgconn_tidy(const char *message);

#endif
