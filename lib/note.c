/* note.c - the text form of notes. Anybody can give a session such a name, so only what
 * note_format() could have written is taken: no sign, no leading zero, no second blank.
 */
#include "note.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define NOTE_PREFIX "pgrmond/1 "

static const enum core_phase note_phases[] = {
    CORE_PHASE_LEAD,    CORE_PHASE_FOLLOW, CORE_PHASE_ASK,
    CORE_PHASE_PROMOTE, CORE_PHASE_PASS,
};

const char *note_phase_name(enum core_phase phase)
{
    switch (phase) {
    case CORE_PHASE_LEAD:
        return "lead";
    case CORE_PHASE_FOLLOW:
        return "follow";
    case CORE_PHASE_ASK:
        return "ask";
    case CORE_PHASE_PROMOTE:
        return "promote";
    case CORE_PHASE_PASS:
        return "pass";
    case CORE_PHASE_NONE:
        break;
    case CORE_PHASE_RENEW:
        return "renew";
    case CORE_PHASE_CANVASS:
        return "canvass";
    case CORE_PHASE_VOTE:
        return "vote";
    case CORE_PHASE_RESIGNED:
        return "resigned";
    case CORE_PHASE_PAUSED:
        return "paused";
    }
    return "none";
}

/* Room: prefix 10, two ids 2 * 11, phase 8, term 20, terminator: 61 at most. */
char *note_format(const struct core_note *note, char buf[static NOTE_TEXT_SIZE])
{
    (void)snprintf(buf, NOTE_TEXT_SIZE, NOTE_PREFIX "%d %s %d %" PRId64, note->node_id,
                   note_phase_name(note->phase), note->leader_id, note->term);
    return buf;
}

/* Read a number within [0, max] and move `*text` past it. */
static bool take_number(const char **text, int64_t max, int64_t *ret_value)
{
    const char *p = *text;
    int64_t value = 0;

    if (!isdigit((unsigned char)*p) || (*p == '0' && isdigit((unsigned char)p[1])))
        return false;
    for (; isdigit((unsigned char)*p); p++) {
        int digit = *p - '0';

        if (value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *text = p;
    *ret_value = value;
    return true;
}

/* Read a phase's name and move `*text` past it. */
static bool take_phase(const char **text, enum core_phase *ret_phase)
{
    for (size_t i = 0; i < sizeof note_phases / sizeof note_phases[0]; i++) {
        const char *name = note_phase_name(note_phases[i]);
        size_t length = strlen(name);

        if (strncmp(*text, name, length) == 0 && (*text)[length] == ' ') {
            *text += length;
            *ret_phase = note_phases[i];
            return true;
        }
    }
    return false;
}

static bool take_blank(const char **text)
{
    return *(*text)++ == ' ';
}

int note_parse(const char *text, struct core_note *ret_note)
{
    const char *p = text;
    enum core_phase phase;
    int64_t node_id, leader_id, term;

    if (strncmp(p, NOTE_PREFIX, strlen(NOTE_PREFIX)) != 0)
        return -EINVAL;
    p += strlen(NOTE_PREFIX);
    if (!take_number(&p, INT_MAX, &node_id) || !take_blank(&p) ||
        !take_phase(&p, &phase) || !take_blank(&p) ||
        !take_number(&p, INT_MAX, &leader_id) || !take_blank(&p) ||
        !take_number(&p, INT64_MAX, &term) || *p != '\0')
        return -EINVAL;
    if (node_id == 0)
        return -EINVAL;
    *ret_note = (struct core_note){
        .phase = phase,
        .node_id = (int)node_id,
        .leader_id = (int)leader_id,
        .term = term,
    };
    return 0;
}

struct core_note note_find(const char *lines, int node_id)
{
    struct core_note found = {.phase = CORE_PHASE_NONE};

    while (*lines != '\0') {
        size_t length = strcspn(lines, "\n");
        char line[NOTE_TEXT_SIZE];
        struct core_note note;

        if (length < sizeof line) {
            (void)memcpy(line, lines, length);
            line[length] = '\0';
            if (note_parse(line, &note) == 0 && note.node_id == node_id &&
                (found.phase == CORE_PHASE_NONE || note.term >= found.term))
                found = note;
        }
        lines += length;
        lines += *lines == '\n';
    }
    return found;
}
