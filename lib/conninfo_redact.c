/* conninfo_redact.c - passwords out of any text.
 *
 * The text may be a conninfo string or URI, hold one within quotes of another grammar,
 * or be an error message about one that libpq itself could not parse. So this cannot be
 * libpq's parser; where the end of a password is not certain, more is hidden. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conninfo.h"

#define MASK "***"

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_';
}

/* A word that names a secret: password, sslpassword, PGPASSWORD, ... */
static bool names_secret(const char *word, size_t len)
{
    static const char password[] = "password";
    static const char setting[] = "use_primary_conninfo_password";
    const size_t n = sizeof password - 1;

    if (len == sizeof setting - 1 && strncasecmp(word, setting, len) == 0)
        return false;
    return len >= n && strncasecmp(word + len - n, password, n) == 0;
}

/* Behind the closing quote of a string that began with `quote`: ' within a conninfo,
 * '' or \' where the conninfo itself is quoted. The end of the text if there is none.
 */
static const char *skip_quoted(const char *p, const char *quote)
{
    size_t n = strlen(quote);

    for (p += n; *p != '\0'; p++) {
        if (strncmp(p, quote, n) == 0)
            return p + n;
        if (*p == '\\' && p[1] != '\0')
            p++;
    }
    return p;
}

static const char *skip_bare(const char *p)
{
    for (; *p != '\0' && !is_space(*p); p++)
        if (*p == '\\' && p[1] != '\0')
            p++;
    return p;
}

/* Behind the value at `p`. `nested` says that it lies within single quotes already,
 * where a doubled quote is one quote and not an empty string. */
static const char *skip_value(const char *p, bool nested)
{
    const char *end;

    if (strncmp(p, "\\'", 2) == 0)
        end = skip_quoted(p, "\\'");
    else if (strncmp(p, "''", 2) == 0 && (nested || (p[2] != '\0' && !is_space(p[2]))))
        end = skip_quoted(p, "''");
    else if (*p == '\'')
        end = skip_quoted(p, "'");
    else
        return skip_bare(p);
    return *end == '\0' || is_space(*end) ? end : skip_bare(end);
}

/* If a secret's name begins at `p`: where its value begins, else NULL. */
static const char *secret_value(const char *p)
{
    size_t len = 0;
    const char *value;

    while (is_word(p[len]))
        len++;
    if (!names_secret(p, len))
        return NULL;
    for (value = p + len; is_space(*value); value++)
        continue;
    if (*value == '\'') /* SQL: PASSWORD 'x' */
        return value;
    if (*value++ != '=')
        return NULL;
    while (is_space(*value))
        value++;
    return value;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The same behind "?" or "&" of a URI, where letters may be percent-encoded. */
static const char *uri_secret_value(const char *p)
{
    char word[32];
    size_t len = 0;

    for (; *p != '=' && *p != '\0' && !is_space(*p) && len < sizeof word; p++) {
        if (p[0] == '%' && hex(p[1]) >= 0 && hex(p[2]) >= 0) {
            word[len++] = (char)(hex(p[1]) * 16 + hex(p[2]));
            p += 2;
        } else {
            word[len++] = *p;
        }
    }
    return *p == '=' && names_secret(word, len) ? p + 1 : NULL;
}

/* Behind "://": the user's password, if there is one, up to the last "@" of the URI,
 * since a password that was not encoded may hold anything. */
static const char *userinfo_password(const char *p, bool whole, const char **ret_end)
{
    const char *colon = NULL, *at = NULL;

    for (; *p != '\0' && (whole || !is_space(*p)); p++) {
        if (*p == ':' && colon == NULL)
            colon = p;
        if (*p == '@')
            at = p;
    }
    *ret_end = at;
    return colon != NULL && at != NULL && colon < at ? colon + 1 : NULL;
}

/* A text that begins as libpq's URIs do is one to its end: libpq takes blanks in it. In
 * the middle of a text, a blank ends a URI. */
static bool is_uri(const char *text)
{
    return strncmp(text, "postgresql://", 13) == 0 ||
           strncmp(text, "postgres://", 11) == 0;
}

/* The secret that the text at `p` announces: where it begins and ends, else NULL. */
static const char *
find_secret(const char *text, const char *p, bool nested, const char **ret_end)
{
    const char *value = NULL;
    bool whole = is_uri(text);

    if (strncmp(p, "://", 3) == 0)
        return userinfo_password(p + 3, whole, ret_end);
    if (*p == '?' || *p == '&') {
        value = uri_secret_value(p + 1);
        if (value != NULL)
            *ret_end = value + strcspn(value, whole ? "&" : "& \t\r\n\v\f");
    } else if (is_word(*p) && (p == text || !is_word(p[-1]))) {
        value = secret_value(p);
        if (value != NULL)
            *ret_end = skip_value(value, nested);
    }
    return value;
}

/* What is taken for one secret may hold the beginning of another that goes further
 * ("//user:a@host/?password=@b"): the end of them all. */
static const char *
last_end(const char *text, const char *value, const char *end, bool nested)
{
    const char *inner_end = NULL;

    for (const char *p = value; p < end; p++)
        if (find_secret(text, p, nested, &inner_end) != NULL && inner_end > end)
            end = inner_end;
    return end;
}

char *conninfo_redact(const char *text)
{
    size_t len = text == NULL ? 0 : strlen(text), used = 0;
    /* At worst, each "://:@ " grows by the mask. */
    char *out = xcalloc(len * 2 + sizeof MASK, 1);
    const char *value, *end = NULL;
    bool nested = false;

    for (const char *p = text; p != NULL && *p != '\0';) {
        value = find_secret(text, p, nested, &end);
        if (value == NULL) {
            nested ^= *p == '\'';
            out[used++] = *p++;
            continue;
        }
        (void)memcpy(out + used, p, (size_t)(value - p));
        used += (size_t)(value - p);
        (void)memcpy(out + used, MASK, sizeof MASK - 1);
        used += sizeof MASK - 1;
        p = last_end(text, value, end, nested);
    }
    return out;
}

void conninfo_redact_buf(char *text, size_t size)
{
    char *redacted = conninfo_redact(text);
    size_t len = strlen(redacted);

    if (len >= size)
        len = size - 1;
    (void)memcpy(text, redacted, len);
    text[len] = '\0';
    explicit_bzero(redacted, strlen(redacted));
    free(redacted);
}
