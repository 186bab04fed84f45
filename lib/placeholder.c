/* placeholder.c - follows the shell's quoting just far enough (POSIX, 2.2 and 2.6).
 *
 * Even where it should misread a template, what it inserts is a variable's name: at
 * worst a value is split into words or a quote appears literally. It is never executed.
 */
#include "placeholder.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not PGRMON_<SETTING>: a pgrmon that is run by the command would obey such a variable.
 */
static const struct {
    char letter;
    const char *name;
} variables[] = {
    {'n', "PGRMON_EVENT_NODE_ID"   },
    {'a', "PGRMON_EVENT_NODE_NAME" },
    {'c', "PGRMON_EVENT_CONNINFO"  },
    {'p', "PGRMON_EVENT_PARTY_ID"  },
    {'e', "PGRMON_EVENT"           },
    {'s', "PGRMON_EVENT_SUCCESSFUL"},
    {'t', "PGRMON_EVENT_TIMESTAMP" },
    {'d', "PGRMON_EVENT_DETAILS"   },
};

static const char *variable_of(char letter)
{
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        if (variables[i].letter == letter)
            return variables[i].name;
    }
    abort(); /* only our own tables give out letters */
}

/* What the scanner is inside of. */
enum place {
    PLACE_PLAIN,    /* no quotes, or within $( ) */
    PLACE_SINGLE,   /* '...' */
    PLACE_DOUBLE,   /* "..." */
    PLACE_BRACES,   /* ${...}, unquoted */
    PLACE_BACKTICK, /* `...` */
};

#define MAX_DEPTH 16

struct scanner {
    const char *template;
    const char *at;
    enum place stack[MAX_DEPTH]; /* the innermost last */
    int parens[MAX_DEPTH];       /* open ( within that place */
    int depth;                   /* index of the innermost */
    FILE *out;
    const struct placeholder *values;
};

static int refuse(const struct scanner *s, struct err *err, const char *why)
{
    (void)err_set(err, -EINVAL, "could not use the command \"%s\"", s->template);
    err_detail(err, "%s at character %d", why, (int)(s->at - s->template) + 1);
    return -EINVAL;
}

static enum place innermost(const struct scanner *s)
{
    return s->stack[s->depth];
}

static bool push(struct scanner *s, enum place place)
{
    if (s->depth + 1 == MAX_DEPTH)
        return false;
    s->stack[++s->depth] = place;
    s->parens[s->depth] = 0;
    return true;
}

static bool is_within(const struct scanner *s, enum place place)
{
    for (int i = 0; i <= s->depth; i++) {
        if (s->stack[i] == place)
            return true;
    }
    return false;
}

static void copy(struct scanner *s, int n)
{
    for (; n > 0 && *s->at != '\0'; n--)
        (void)fputc(*s->at++, s->out);
}

/* The reference to a variable, quoted for where it stands. */
static void put_reference(struct scanner *s, const char *variable)
{
    switch (innermost(s)) {
    case PLACE_DOUBLE:
        (void)fprintf(s->out, "${%s}", variable);
        break;
    case PLACE_SINGLE: /* close it, and open it again */
        (void)fprintf(s->out, "'\"${%s}\"'", variable);
        break;
    default:
        (void)fprintf(s->out, "\"${%s}\"", variable);
    }
}

static int scan_percent(struct scanner *s, struct err *err)
{
    char letter = s->at[1];

    if (letter == '%') {
        (void)fputc('%', s->out);
        s->at += 2;
        return 0;
    }
    for (const struct placeholder *p = s->values; p->letter != '\0'; p++) {
        if (p->letter != letter)
            continue;
        if (is_within(s, PLACE_BACKTICK))
            return refuse(s, err, "a placeholder within `...`, write $(...) instead,");
        put_reference(s, variable_of(letter));
        s->at += 2;
        return 0;
    }
    copy(s, 1);
    return 0;
}

/* One character outside '...' that may open or close something. */
static int scan_special(struct scanner *s, struct err *err)
{
    enum place place = innermost(s);
    bool fits = true;
    int n = 1;

    if (s->at[0] == '\\') {
        n = 2; /* whatever follows is literal, a % too */
    } else if (s->at[0] == '$' && s->at[1] == '(') {
        fits = push(s, PLACE_PLAIN);
        n = 2;
    } else if (s->at[0] == '$' && s->at[1] == '{') {
        fits = push(s, place == PLACE_DOUBLE ? PLACE_DOUBLE : PLACE_BRACES);
        s->parens[s->depth] = -1; /* ends with } */
        n = 2;
    } else if (s->at[0] == '}' && s->parens[s->depth] == -1) {
        s->depth--;
    } else if (s->at[0] == '`' && place == PLACE_BACKTICK) {
        s->depth--;
    } else if (s->at[0] == '`') {
        fits = push(s, PLACE_BACKTICK);
    } else if (s->at[0] == '"' && place == PLACE_DOUBLE && s->parens[s->depth] == 0) {
        s->depth--;
    } else if (s->at[0] == '"') {
        fits = push(s, PLACE_DOUBLE);
    } else if (s->at[0] == '\'' && place != PLACE_DOUBLE) {
        fits = push(s, PLACE_SINGLE);
    } else if (s->at[0] == '(' && place == PLACE_PLAIN) {
        s->parens[s->depth]++;
    } else if (s->at[0] == ')' && place == PLACE_PLAIN) {
        if (s->parens[s->depth] > 0)
            s->parens[s->depth]--;
        else if (s->depth > 0)
            s->depth--;
    }
    if (!fits)
        return refuse(s, err, "quotes are nested too deeply");
    copy(s, n);
    return 0;
}

static int scan(struct scanner *s, struct err *err)
{
    while (*s->at != '\0') {
        int r = 0;

        if (*s->at == '%')
            r = scan_percent(s, err);
        else if (innermost(s) != PLACE_SINGLE)
            r = scan_special(s, err);
        else if (*s->at == '\'') {
            s->depth--;
            copy(s, 1);
        } else
            copy(s, 1);
        if (r < 0)
            return r;
    }
    if (s->depth > 0)
        return refuse(s, err, "a quote or bracket is not closed");
    return 0;
}

int placeholder_expand(const char *template_text,
                       const struct placeholder *values,
                       char **ret_command,
                       struct err *err)
{
    char *command = NULL;
    size_t size = 0;
    struct scanner s = {
        .template = template_text, .at = template_text, .values = values};
    int r;

    s.out = open_memstream(&command, &size);
    if (s.out == NULL)
        err_out_of_memory();
    r = scan(&s, err);
    if (fclose(s.out) != 0)
        err_out_of_memory();
    if (r < 0) {
        free(command);
        return r;
    }
    *ret_command = command;
    return 0;
}

char **placeholder_env(const struct placeholder *values)
{
    size_t n = 0;
    char **env;

    while (values[n].letter != '\0')
        n++;
    env = xcalloc(n + 1, sizeof *env);
    for (size_t i = 0; i < n; i++)
        env[i] = xasprintf("%s=%s", variable_of(values[i].letter),
                           values[i].value == NULL ? "" : values[i].value);
    return env;
}

void placeholder_env_free(char **env)
{
    if (env == NULL)
        return;
    for (char **variable = env; *variable != NULL; variable++)
        free(*variable);
    free(env);
}
