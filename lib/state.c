/* state.c - the text form of the durable file. One table drives writing and reading.
 *
 * Reading is in two steps: the lines are read leniently into a state, then the state is
 * written again and has to give the same text. So what is accepted needs no proof of
 * its own beyond the ranges of the fields. */
#include "state.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "core/internal.h"
#include "crc32c.h"

#define HEADING                                                                        \
    "# Written by pgrmond. Not to be edited: without a valid checksum this node has "  \
    "no\n# vote.\n"                                                                    \
    "version = "
/* 2 knows pauses. Version 1 is read as well: it granted none. */
#define VERSION     2
#define OLD_VERSION 1

/* "checksum = 0a1b2c3d\n" */
#define CHECKSUM_NAME   "checksum = "
#define CHECKSUM_LENGTH (sizeof CHECKSUM_NAME - 1 + 8 + 1)

/* What notes have room for (note.h). */
#define MAX_MEMBERS_VERSION ((INT64_C(1) << 40) - 1)

/* ---- fields --------------------------------------------------------------------- */

enum kind {
    KIND_INT,
    KIND_INT64,
    KIND_UINT32,
    KIND_UINT64,
    KIND_BOOL,
    KIND_DUTY,
    KIND_ROLE,
    KIND_NAME, /* char[CORE_NAME_SIZE] */
    KIND_TEXT, /* char *, of the heap */
};

struct field {
    const char *name;
    enum kind kind;
    size_t offset;
    uint64_t min, max; /* of numbers; of names, min 1 means: not empty */
    int since;         /* the first version of the file that has it; 0 = all */
};

/* clang-format off */
#define HEAD(name, kind, min, max) \
    {#name, KIND_##kind, offsetof(struct state, name), min, max, 0}
#define DURABLE(name, kind, min, max) \
    {#name, KIND_##kind, offsetof(struct state, durable.name), min, max, 0}
#define SINCE(version, name, member, kind, max) \
    {name, KIND_##kind, offsetof(struct state, durable.member), 0, max, version}
#define NODE(name, member, kind, min, max) \
    {name, KIND_##kind, offsetof(struct node_record, member), min, max, 0}

static const struct field state_fields[] = {
    HEAD(node_id,            INT,    1, CORE_MAX_NODE_ID),
    HEAD(system_identifier,  UINT64, 0, UINT64_MAX),
    DURABLE(incarnation,     UINT32, 1, UINT32_MAX),
    DURABLE(term,            INT64,  0, CORE_MAX_TERM),
    DURABLE(leader_id,       INT,    0, CORE_MAX_NODE_ID),
    DURABLE(duty,            DUTY,   0, 0),
    DURABLE(lead_term,       INT64,  0, CORE_MAX_TERM),
    DURABLE(armed,           BOOL,   0, 0),
    DURABLE(recorded,        BOOL,   0, 0),
    DURABLE(rested,          BOOL,   0, 0),
    DURABLE(window_ms,       INT64,  0, INT64_MAX),
    DURABLE(members_version, INT64,  0, MAX_MEMBERS_VERSION),
    DURABLE(pause_ms,        INT64,  0, INT64_MAX),
    DURABLE(pair_version,    INT64,  0, MAX_MEMBERS_VERSION),
    DURABLE(copies,          INT,    0, CORE_MAX_NODES),
    DURABLE(revoked,         BOOL,   0, 0),
    SINCE(2, "pause_version",  pause_version,     INT64,  CORE_MAX_PAUSE),
    SINCE(2, "relied_version", relied_version,    INT64,  CORE_MAX_PAUSE),
    SINCE(2, "relied_boot",    relied_until.boot, UINT32, (1 << CORE_BOOT_BITS) - 1),
    SINCE(2, "relied_until",   relied_until.ms,   INT64,  INT64_MAX),
    SINCE(2, "relied_members", relied_members,    INT64,  MAX_MEMBERS_VERSION),
    {"nodes", KIND_INT, offsetof(struct state, nodes.n), 0, CORE_MAX_NODES, 0},
};

static const struct field node_fields[] = {
    NODE("\nnode",             id,          INT,  1, CORE_MAX_NODE_ID),
    NODE("  name",             name,        NAME, 1, 0),
    NODE("  type",             role,        ROLE, 0, 0),
    NODE("  upstream_node_id", upstream_id, INT,  0, CORE_MAX_NODE_ID),
    NODE("  active",           active,      BOOL, 0, 0),
    NODE("  voting",           voting,      BOOL, 0, 0),
    NODE("  priority",         priority,    INT,  0, INT32_MAX),
    NODE("  location",         location,    NAME, 0, 0),
    NODE("  conninfo",         conninfo,    TEXT, 0, 0),
    NODE("  repluser",         repluser,    NAME, 0, 0),
    NODE("  slot_name",        slot_name,   NAME, 0, 0),
    NODE("  config_file",      config_file, TEXT, 0, 0),
};
/* clang-format on */

#define N_ELEMENTS(array) (sizeof(array) / sizeof(array)[0])

static const enum core_duty duties[] = {
    CORE_DUTY_FOLLOWER, CORE_DUTY_CANDIDATE, CORE_DUTY_PROMOTING,
    CORE_DUTY_LEADING,  CORE_DUTY_RESIGNED,
};

const char *state_duty_name(enum core_duty duty)
{
    switch (duty) {
    case CORE_DUTY_FOLLOWER:
        return "follower";
    case CORE_DUTY_CANDIDATE:
        return "candidate";
    case CORE_DUTY_PROMOTING:
        return "promoting";
    case CORE_DUTY_LEADING:
        return "leading";
    case CORE_DUTY_RESIGNED:
        return "resigned";
    }
    return "unknown";
}

void state_free(struct state *state)
{
    nodeset_free(&state->nodes);
    *state = (struct state)STATE_INIT;
}

/* ---- writing -------------------------------------------------------------------- */

static uint64_t number_of(const void *at, enum kind kind)
{
    switch (kind) {
    case KIND_INT:
        return (uint64_t)((const int *)at)[0]; /* below zero: beyond any maximum */
    case KIND_INT64:
        return (uint64_t)((const int64_t *)at)[0];
    case KIND_UINT32:
        return *(const uint32_t *)at;
    case KIND_UINT64:
        return *(const uint64_t *)at;
    case KIND_BOOL:
    case KIND_DUTY:
    case KIND_ROLE:
    case KIND_NAME:
    case KIND_TEXT:
        break;
    }
    return 0;
}

static void write_escaped(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < ' ' || c == 0x7f || c == '\\')
            (void)fprintf(out, "\\x%02x", c);
        else
            (void)fputc(c, out);
    }
}

static void write_field(FILE *out, const void *base, const struct field *field)
{
    const void *at = (const char *)base + field->offset;
    const char *text;

    (void)fprintf(out, "%s = ", field->name);
    switch (field->kind) {
    case KIND_INT:
    case KIND_INT64:
    case KIND_UINT32:
    case KIND_UINT64:
        CORE_ASSERT(number_of(at, field->kind) >= field->min &&
                    number_of(at, field->kind) <= field->max);
        (void)fprintf(out, "%" PRIu64, number_of(at, field->kind));
        break;
    case KIND_BOOL:
        (void)fputs(*(const bool *)at ? "true" : "false", out);
        break;
    case KIND_DUTY:
        (void)fputs(state_duty_name(*(const enum core_duty *)at), out);
        break;
    case KIND_ROLE:
        CORE_ASSERT(*(const enum core_role *)at != CORE_ROLE_UNKNOWN);
        (void)fputs(node_role_name(*(const enum core_role *)at), out);
        break;
    case KIND_NAME:
        CORE_ASSERT(strlen(at) >= field->min);
        write_escaped(out, at);
        break;
    case KIND_TEXT:
        text = *(const char *const *)at;
        write_escaped(out, text != NULL ? text : "");
        break;
    }
    (void)fputc('\n', out);
}

static void append_checksum(FILE *out, const char *text, size_t size)
{
    (void)fprintf(out, CHECKSUM_NAME "%08" PRIx32 "\n", crc32c(text, size));
}

static char *format(const struct state *state, int version)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        err_out_of_memory();
    (void)fprintf(out, HEADING "%d\n", version);
    for (size_t i = 0; i < N_ELEMENTS(state_fields); i++)
        if (state_fields[i].since <= version)
            write_field(out, state, &state_fields[i]);
    for (int i = 0; i < state->nodes.n; i++) {
        CORE_ASSERT(i == 0 || state->nodes.v[i].id > state->nodes.v[i - 1].id);
        for (size_t k = 0; k < N_ELEMENTS(node_fields); k++)
            write_field(out, &state->nodes.v[i], &node_fields[k]);
    }
    if (fflush(out) != 0)
        err_out_of_memory();
    append_checksum(out, text, size);
    if (fclose(out) != 0)
        err_out_of_memory();
    return text;
}

char *state_format(const struct state *state)
{
    return format(state, VERSION);
}

/* ---- reading -------------------------------------------------------------------- */

/* Decimal digits and nothing else, within the field's range. */
static bool read_number(const char *value, const struct field *field, uint64_t *ret)
{
    char *end;

    if (value[0] < '0' || value[0] > '9')
        return false;
    errno = 0;
    *ret = strtoull(value, &end, 10);
    return errno == 0 && *end == '\0' && *ret >= field->min && *ret <= field->max;
}

static void set_number(void *at, enum kind kind, uint64_t number)
{
    switch (kind) {
    case KIND_INT:
        *(int *)at = (int)number;
        break;
    case KIND_INT64:
        *(int64_t *)at = (int64_t)number;
        break;
    case KIND_UINT32:
        *(uint32_t *)at = (uint32_t)number;
        break;
    case KIND_UINT64:
        *(uint64_t *)at = number;
        break;
    case KIND_BOOL:
    case KIND_DUTY:
    case KIND_ROLE:
    case KIND_NAME:
    case KIND_TEXT:
        break;
    }
}

static bool read_duty(const char *value, enum core_duty *ret)
{
    for (size_t i = 0; i < N_ELEMENTS(duties); i++)
        if (strcmp(value, state_duty_name(duties[i])) == 0) {
            *ret = duties[i];
            return true;
        }
    return false;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c != '\0' ? strchr(digits, c) : NULL;

    return found != NULL ? (int)(found - digits) : -1;
}

/* In place. Returns false for an escape that is none. */
static bool unescape(char *text)
{
    char *to = text;

    for (; *text != '\0'; text++) {
        if (*text == '\\') {
            int high = text[1] == 'x' ? hex_digit(text[2]) : -1;
            int low = high >= 0 ? hex_digit(text[3]) : -1;

            if (low < 0 || high * 16 + low == 0)
                return false;
            *to++ = (char)(high * 16 + low);
            text += 3;
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
    return true;
}

/* Set the field of `base` from `value`, which is changed on the way. */
static bool set_field(void *base, const struct field *field, char *value)
{
    void *at = (char *)base + field->offset;
    uint64_t number;

    switch (field->kind) {
    case KIND_INT:
    case KIND_INT64:
    case KIND_UINT32:
    case KIND_UINT64:
        if (!read_number(value, field, &number))
            return false;
        set_number(at, field->kind, number);
        return true;
    case KIND_BOOL:
        *(bool *)at = strcmp(value, "true") == 0;
        return true; /* what is neither is written as "false" */
    case KIND_DUTY:
        return read_duty(value, at);
    case KIND_ROLE:
        *(enum core_role *)at = node_role_parse(value);
        return *(enum core_role *)at != CORE_ROLE_UNKNOWN;
    case KIND_NAME:
        return unescape(value) && strlen(value) >= field->min &&
               snprintf(at, CORE_NAME_SIZE, "%s", value) < CORE_NAME_SIZE;
    case KIND_TEXT:
        if (!unescape(value))
            return false;
        *(char **)at = xstrdup(value);
        return true;
    }
    return false;
}

static int damaged(struct err *err, const char *what, const char *name)
{
    /* The blanks and the empty line before a name are for the eye only. */
    return err_set(err, STATE_E_DAMAGED, "%s \"%s\"", what, name + strspn(name, " \n"));
}

/* Read the next line, which has to be this field's, and move `*text` past it. */
static int
read_field(char **text, void *base, const struct field *field, struct err *err)
{
    size_t length = strlen(field->name);
    char *value = *text + length + 3;
    char *end;

    if (strncmp(*text, field->name, length) != 0 ||
        strncmp(*text + length, " = ", 3) != 0)
        return damaged(err, "there is no", field->name);
    end = strchr(value, '\n');
    if (end == NULL)
        return damaged(err, "cut off within", field->name);
    *end = '\0';
    *text = end + 1;
    if (!set_field(base, field, value))
        return damaged(err, "invalid value of", field->name);
    return 0;
}

static int read_nodes(char **text, struct state *state, struct err *err)
{
    int n = state->nodes.n;

    for (int i = 0; i < n; i++) {
        /* What was allocated is released with the set, also after a failure. */
        for (size_t k = 0; k < N_ELEMENTS(node_fields); k++) {
            int rc = read_field(text, &state->nodes.v[i], &node_fields[k], err);

            if (rc != 0)
                return rc;
        }
        if (i > 0 && state->nodes.v[i].id <= state->nodes.v[i - 1].id)
            return err_set(err, STATE_E_DAMAGED, "node %d is not in its place",
                           state->nodes.v[i].id);
    }
    return 0;
}

static int read_fields(char *text, int version, struct state *state, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; i < N_ELEMENTS(state_fields) && rc == 0; i++)
        if (state_fields[i].since <= version)
            rc = read_field(&text, state, &state_fields[i], err);
    if (rc == 0)
        rc = read_nodes(&text, state, err);
    if (rc == 0 && strncmp(text, CHECKSUM_NAME, strlen(CHECKSUM_NAME)) != 0)
        rc = err_set(err, STATE_E_DAMAGED, "there is more than the nodes");
    return rc;
}

static int check_checksum(const char *text, struct err *err)
{
    size_t length = strlen(text);
    char expected[CHECKSUM_LENGTH + 1];

    if (length < CHECKSUM_LENGTH || text[length - 1] != '\n' ||
        strncmp(text + length - CHECKSUM_LENGTH, CHECKSUM_NAME,
                strlen(CHECKSUM_NAME)) != 0)
        return err_set(err, STATE_E_DAMAGED, "it does not end with a checksum");
    (void)snprintf(expected, sizeof expected, CHECKSUM_NAME "%08" PRIx32 "\n",
                   crc32c(text, length - CHECKSUM_LENGTH));
    if (strcmp(text + length - CHECKSUM_LENGTH, expected) != 0)
        return err_set(err, STATE_E_DAMAGED, "its checksum is wrong");
    return 0;
}

/* A later version may look different in all but its first lines. `*ret`: where the
 * fields begin. */
static int
read_version(const char *text, int *ret_version, size_t *ret, struct err *err)
{
    const char *version = text + strlen(HEADING);

    if (strncmp(text, HEADING, strlen(HEADING)) != 0)
        return err_set(err, STATE_E_DAMAGED, "it does not begin as a state file");
    *ret_version = version[0] - '0';
    *ret = strlen(HEADING) + 2;
    if (*ret_version < OLD_VERSION || *ret_version > VERSION || version[1] != '\n')
        return err_set(err, STATE_E_DAMAGED,
                       "it is of version %.*s, this program reads version %d",
                       (int)strspn(version, "0123456789"), version, VERSION);
    return 0;
}

int state_parse(const char *text, struct state *ret, struct err *err)
{
    struct state state = STATE_INIT;
    char *copy CLEANUP(cleanup_free) = xstrdup(text);
    char *again CLEANUP(cleanup_free) = NULL;
    int version;
    size_t fields;
    int rc = read_version(text, &version, &fields, err);

    if (rc == 0)
        rc = check_checksum(text, err);
    if (rc == 0)
        rc = read_fields(copy + fields, version, &state, err);
    if (rc == 0) {
        again = format(&state, version);
        if (strcmp(again, text) != 0)
            rc = err_set(err, STATE_E_DAMAGED, "it is not written as pgrmond does");
    }
    if (rc != 0) {
        state_free(&state);
        return rc;
    }
    *ret = state;
    return 0;
}
