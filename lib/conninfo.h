/* conninfo.h - libpq connection strings: check, read, change, compare, hide secrets.
 *
 * Strings and URIs are both accepted wherever libpq accepts them; libpq's own parser
 * reads them. Nothing here connects or reads the environment. */
#ifndef PGRMON_CONNINFO_H
#define PGRMON_CONNINFO_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/* One keyword to set. A NULL value removes the keyword. Borrowed pointers. */
struct conninfo_change {
    const char *keyword;
    const char *value;
};

/* The two NULL-terminated arrays that PQconnectStartParams() wants. */
struct conninfo_params {
    const char **keywords;
    const char **values;
    size_t n; /* entries, the terminating NULL not counted */
};

#define CONNINFO_PARAMS_NULL                                                           \
    {                                                                                  \
        NULL, NULL, 0                                                                  \
    }

/* Returns 0 when libpq can parse `conninfo` (the empty string included), or -EINVAL
 * with libpq's reason in `err`. Where the string holds a password, the reason is given
 * without its quoted parts, since libpq quotes what it stumbles over. */
int conninfo_check(const char *conninfo, struct err *err) PGRMON_MUST_CHECK;

/* The value of `keyword` as written in `conninfo`, without libpq's defaults and without
 * the environment. NULL when it is not set, empty, or the string cannot be parsed.
 * The caller frees. */
char *conninfo_get(const char *conninfo, const char *keyword);

/* True when the string sets a password or an sslpassword. */
bool conninfo_has_secret(const char *conninfo);

/* A copy of `text` in which every password is replaced by "***": in conninfo strings,
 * in URIs, in quoted settings that hold one, alone or inside a longer text (an error
 * message of libpq, a log line). It would rather hide too much than too little. `text`
 * may be NULL (gives an empty string). The caller frees. */
char *conninfo_redact(const char *text);

/* The same, within the buffer of the text; the result is never longer than `size`. */
void conninfo_redact_buf(char *text, size_t size);

/* A conninfo string (never a URI) with the keywords of `base`, changed as `changes`
 * say, properly quoted. Keywords keep the order libpq lists them in. 0 and `*ret` to
 * free, or -EINVAL when `base` cannot be parsed or a keyword is unknown to libpq. */
int conninfo_build(char **ret,
                   const char *base,
                   const struct conninfo_change *changes,
                   size_t n_changes,
                   struct err *err) PGRMON_MUST_CHECK;

/* The same as arrays for PQconnectStartParams(params.keywords, params.values, 0).
 * Release with conninfo_params_deinit(). Errors as conninfo_build(). */
int conninfo_params_init(struct conninfo_params *ret,
                         const char *base,
                         const struct conninfo_change *changes,
                         size_t n_changes,
                         struct err *err) PGRMON_MUST_CHECK;

/* Wipes the values (they may hold a password) and frees. Accepts CONNINFO_PARAMS_NULL
 * and may be called twice. */
void conninfo_params_deinit(struct conninfo_params *params);

/* True when both mean the same connection: every keyword has the same value, whatever
 * the order and quoting. Strings that cannot be parsed are equal when their text is. */
bool conninfo_equal(const char *a, const char *b);

#endif
