/* config_scan.c - the grammar of one line, that of postgresql.conf.
 *
 * What PostgreSQL's lexer would refuse is taken where it can only mean one thing: an
 * unquoted value may hold blanks and other characters and ends at " #" or at the end of
 * the line. Where it could mean two, the line is refused: no value ever arrives cut. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config_private.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '.' || c == '$' || c == '-';
}

/* Bytes of the UTF-8 character at `p`, 0 when it is none (overlong forms, surrogates
 * and what lies beyond U+10FFFF included). */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    size_t n = p[0] < 0x80                   ? 1
               : p[0] >= 0xC2 && p[0] < 0xE0 ? 2
               : p[0] >= 0xE0 && p[0] < 0xF0 ? 3
               : p[0] >= 0xF0 && p[0] < 0xF5 ? 4
                                             : 0;

    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
        (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
        return 0;
    return n;
}

const char *config_text_check(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t n;

    for (size_t i = 0; i < len; i += n) {
        n = utf8_length(p + i, len - i);
        if (p[i] == '\0')
            return "a NUL byte is not allowed";
        if ((p[i] < 0x20 && p[i] != '\t') || p[i] == 0x7F)
            return "control characters are not allowed";
        if (n == 0)
            return "text must be valid UTF-8";
    }
    return NULL;
}

/* Length of the quoted string at `p`, both quotes included; 0 when it does not end. */
static size_t quoted_length(const char *p, size_t left)
{
    for (size_t i = 1; i < left; i++) {
        if (p[i] == '\\') {
            i++;
        } else if (p[i] == '\'') {
            if (i + 1 == left || p[i + 1] != '\'')
                return i + 1;
            i++;
        }
    }
    return 0;
}

static const char *scan_quoted(const char *p, size_t left, struct config_line *ret)
{
    size_t i;

    ret->value = p;
    ret->value_len = quoted_length(p, left);
    if (ret->value_len == 0)
        return "the closing quote is missing";
    for (i = ret->value_len; i < left && is_blank(p[i]); i++)
        continue;
    if (i < left && p[i] != '#')
        return "there is text after the closing quote "
               "(a quote within quotes is written twice)";
    return NULL;
}

static const char *scan_unquoted(const char *p, size_t left, struct config_line *ret)
{
    size_t end = 0, quotes = 0;

    for (; end < left && p[end] != '#'; end++)
        quotes += p[end] == '\'';
    if (end < left && (!is_blank(p[-1 + (ptrdiff_t)end]) || quotes > 0))
        return "\"#\" may be a comment or part of the value: "
               "put the value into single quotes";
    if (quotes % 2 != 0)
        return "a quote is missing: put the whole value into single quotes";
    if (left > 0 && (p[0] == '"' || p[0] == '='))
        return p[0] == '"' ? "use single quotes, not double quotes, around a value"
                           : "one \"=\" is enough";
    while (end > 0 && is_blank(p[end - 1]))
        end--;
    ret->value = p;
    ret->value_len = end;
    return NULL;
}

/* The part of the line that means something is checked; a comment may be in any
 * encoding, only not hold a NUL, which would end the line for C. */
static const char *
check_text(const char *line, size_t len, const struct config_line *cut)
{
    size_t used = (size_t)(cut->value + cut->value_len - line);

    if (memchr(line, '\0', len) != NULL)
        return "a NUL byte is not allowed";
    return config_text_check(line, used);
}

const char *config_scan_line(const char *line, size_t len, struct config_line *ret)
{
    const char *problem;
    bool equals = false;
    size_t i = 0;

    *ret = (struct config_line){0};
    while (i < len && is_blank(line[i]))
        i++;
    if (i == len || line[i] == '#')
        return memchr(line, '\0', len) != NULL ? "a NUL byte is not allowed" : NULL;
    if (line[i] == '[')
        return "sections are not used here";
    if (line[i] == ';')
        return "a comment begins with \"#\"";
    for (ret->name = line + i; i < len && is_name(line[i]); i++)
        ret->name_len++;
    if (ret->name_len == 0) {
        ret->name = NULL;
        problem = config_text_check(line, len);
        return problem != NULL ? problem : "this is not \"name = value\"";
    }
    for (; i < len && (is_blank(line[i]) || (line[i] == '=' && !equals)); i++)
        equals |= line[i] == '=';
    if (!equals && (i == len || (line[i] == '#' && is_blank(line[i - 1]))))
        return "there is no value";
    if (!equals && line + i == ret->name + ret->name_len) {
        problem = config_text_check(line, len);
        return problem != NULL ? problem : "this is not \"name = value\"";
    }
    problem = i < len && line[i] == '\'' ? scan_quoted(line + i, len - i, ret)
                                         : scan_unquoted(line + i, len - i, ret);
    if (problem != NULL) {
        const char *encoding = config_text_check(line, len);

        return encoding != NULL ? encoding : problem;
    }
    return check_text(line, len, ret);
}

/* What the escape at `*p` (behind the backslash) stands for; moves `*p` behind it. */
static char unescape(const char **p)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *known = strchr(from, **p);
    unsigned int octal = 0;
    char c = **p;

    if (c >= '0' && c <= '7') {
        for (int n = 0; n < 3 && **p >= '0' && **p <= '7'; n++, (*p)++)
            octal = octal * 8 + (unsigned int)(**p - '0');
        return (char)octal;
    }
    (*p)++;
    return known != NULL ? to[known - from] : c;
}

const char *config_unquote(const char *value, char **ret)
{
    size_t len = strlen(value), n = 0;
    const char *end = value + len - 1, *problem;
    char *text = xcalloc(len + 1, 1);

    *ret = text;
    if (value[0] != '\'') {
        (void)memcpy(text, value, len);
        return NULL;
    }
    for (const char *p = value + 1; p < end;) {
        if (*p == '\\') {
            p++;
            text[n++] = unescape(&p);
        } else {
            p += *p == '\'' ? 2 : 1; /* a doubled quote */
            text[n++] = p[-1];
        }
    }
    problem = config_text_check(text, n);
    if (problem != NULL) {
        free(text);
        *ret = NULL;
    }
    return problem;
}
