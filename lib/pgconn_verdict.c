/* pgconn_verdict.c - from libpq's messages to enum reach (design.md section 2). */
#include "pgconn_verdict.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "conninfo.h"
#include "err.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* The kernel's answers that mean: the host is there, nobody serves. ENOENT is a missing
 * socket file; a reset comes from a postmaster that died with us in its queue. */
static const int refused_errnos[] = {ECONNREFUSED, ENOENT, ECONNRESET, EPIPE};

/* ... nothing came back, or there is no way there. A blackhole route is EINVAL, a
 * prohibit route EACCES, a firewall's rule EPERM. A full queue of a hung postmaster
 * shows on a Unix socket as EAGAIN or ENOTCONN. */
static const int silent_errnos[] = {ETIMEDOUT, EHOSTUNREACH,  ENETUNREACH,  EHOSTDOWN,
                                    ENETDOWN,  EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL,
                                    EACCES,    EPERM,         EAGAIN,       ENOTCONN};

/* ... we are out of something ourselves; nothing is learnt about the server. */
static const int local_errnos[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM};

/* libpq's words for a file of ours that TLS needs and that has an errno of its own ...
 */
static const char *const file_texts[] = {"certificate", "private key"};

/* ... for a connection that ended without an answer ... */
static const char *const ended_texts[] = {"server closed the connection unexpectedly",
                                          "EOF detected"};

/* ... and for an answer that is no PostgreSQL's. */
static const char *const foreign_texts[] = {
    "expected authentication request from server",
    "received invalid response to",
    "unexpected response from server",
};

static bool mentions_errno(const char *message, const int *list, size_t n)
{
    /* libpq's text holds strerror() as the C locale words it. */
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    bool found = false;

    for (size_t i = 0; i < n && !found; i++)
        found = strstr(message, strerror_l(list[i], c)) != NULL;
    freelocale(c);
    return found;
}

static bool mentions_text(const char *message, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strstr(message, list[i]) != NULL)
            return true;
    }
    return false;
}

static bool is_sqlstate(const char *text)
{
    for (int i = 0; i < SQLSTATE_SIZE - 1; i++) {
        if (!isdigit((unsigned char)text[i]) && (text[i] < 'A' || text[i] > 'Z'))
            return false;
    }
    return true;
}

/* libpq writes "FATAL:  57P03" (PQERRORS_SQLSTATE) or "FATAL:  57P03: text" (VERBOSE),
 * the severity in the server's language: two spaces, a code, the end of the line or a
 * colon. Of several (with TLS, then without), the last counts. */
static void find_sqlstate(const char *message, char sqlstate[static SQLSTATE_SIZE])
{
    const char *line = message;

    sqlstate[0] = '\0';
    while (line != NULL && *line != '\0') {
        const char *end = strchrnul(line, '\n');

        for (const char *p = line; p + 3 + SQLSTATE_SIZE - 1 <= end; p++) {
            const char *after = p + 3 + SQLSTATE_SIZE - 1;

            if (strncmp(p, ":  ", 3) != 0 || !is_sqlstate(p + 3))
                continue;
            if (after != end && *after != ':')
                continue;
            (void)memcpy(sqlstate, p + 3, SQLSTATE_SIZE - 1);
            sqlstate[SQLSTATE_SIZE - 1] = '\0';
            break; /* the rest of the line is the server's prose */
        }
        line = *end == '\0' ? NULL : end + 1;
    }
}

enum reach pgconn_verdict_of_sqlstate(const char *sqlstate)
{
    /* cannot_connect_now; admin_shutdown and crash_shutdown while we were being let in
     */
    if (strcmp(sqlstate, "57P03") == 0 || strcmp(sqlstate, "57P01") == 0 ||
        strcmp(sqlstate, "57P02") == 0)
        return REACH_STARTING;
    return REACH_REJECTED;
}

enum reach pgconn_verdict(const char *message,
                          ConnStatusType stage,
                          char sqlstate[static SQLSTATE_SIZE])
{
    find_sqlstate(message, sqlstate);
    if (sqlstate[0] != '\0')
        return pgconn_verdict_of_sqlstate(sqlstate);
    if (mentions_text(message, file_texts, LENGTH(file_texts)))
        return REACH_REJECTED;
    if (mentions_errno(message, local_errnos, LENGTH(local_errnos)))
        return REACH_UNKNOWN;
    if (strstr(message, "on socket") != NULL &&
        strstr(message, "Permission denied") != NULL)
        return REACH_UNUSABLE; /* a directory that we may not look into */
    if (mentions_errno(message, refused_errnos, LENGTH(refused_errnos)))
        return REACH_REFUSED;
    if (mentions_errno(message, silent_errnos, LENGTH(silent_errnos)))
        return REACH_SILENT;
    if (stage == CONNECTION_NEEDED)
        return REACH_UNUSABLE; /* libpq did not even try: a setting is wrong */
    if (mentions_text(message, ended_texts, LENGTH(ended_texts)) ||
        mentions_text(message, foreign_texts, LENGTH(foreign_texts)))
        return REACH_REFUSED;
    if (stage == CONNECTION_STARTED)
        return REACH_SILENT;
    /* Somebody talked to us and it came to nothing: TLS, a missing password, a kind of
     * authentication that libpq lacks, target_session_attrs. An expired certificate
     * must never look like a dead server. */
    return REACH_REJECTED;
}

enum reach pgconn_verdict_of_loss(const char *message)
{
    if (mentions_errno(message, silent_errnos, LENGTH(silent_errnos)))
        return REACH_SILENT;
    return REACH_REFUSED;
}

enum reach pgconn_verdict_better(enum reach a, enum reach b)
{
    /* From knowing nothing to knowing that it lives. */
    static const int knowledge[] = {
        [REACH_UNKNOWN] = 0, [REACH_UNUSABLE] = 1, [REACH_SILENT] = 2,
        [REACH_REFUSED] = 3, [REACH_STARTING] = 4, [REACH_REJECTED] = 5,
        [REACH_FAILED] = 6,  [REACH_OK] = 7,
    };

    return knowledge[a] >= knowledge[b] ? a : b;
}

/* True when the line is one that only helps who debugs PostgreSQL or libpq. */
static bool is_noise(const char *line, size_t n)
{
    static const char location[] = "LOCATION:";

    return n == 0 || line[0] == '\t' ||
           (n >= sizeof location - 1 &&
            strncmp(line, location, sizeof location - 1) == 0);
}

/* True when `text` already holds this line. */
static bool has_line(const char *text, const char *line, size_t n)
{
    for (const char *p = text; *p != '\0';) {
        const char *end = strchrnul(p, '\n');

        if ((size_t)(end - p) == n && strncmp(p, line, n) == 0)
            return true;
        p = *end == '\0' ? end : end + 1;
    }
    return false;
}

char *pgconn_tidy(const char *message)
{
    char *text = xcalloc(1, strlen(message) + 2);
    char *redacted;
    size_t used = 0;

    for (const char *line = message; *line != '\0';) {
        const char *end = strchrnul(line, '\n');
        size_t n = (size_t)(end - line);

        if (!is_noise(line, n) && !has_line(text, line, n)) {
            if (used > 0)
                text[used++] = '\n';
            (void)memcpy(text + used, line, n);
            used += n;
            text[used] = '\0';
        }
        line = *end == '\0' ? end : end + 1;
    }
    redacted = conninfo_redact(text);
    free(text);
    return redacted;
}
