/* note.c - the text form of notes: fields to bits, bits to base 85, and back. */
#include "note.h"

#include <errno.h>
#include <string.h>

#include "core/internal.h"
#include "crc32c.h"

#define PREFIX        "pgrmond2"
#define PREFIX_LENGTH (sizeof PREFIX - 1)

#define N_GROUPS     11
#define GROUP_DIGITS 5
#define N_BYTES      (N_GROUPS * 4)
#define BASE         85

/* Widths of the fields: see note.h. */
enum {
    NODE_ID_BITS = 20,
    PHASE_BITS = 4,
    TERM_BITS = 32,
    MS_BITS = 38,
    POSITION_BITS = 56,
    WINDOW_BITS = 20,
    MEMBERS_BITS = 40,
    INCARNATION_BITS = 10,
    CHECKSUM_BITS = 9,
};

_Static_assert(PREFIX_LENGTH + N_GROUPS * GROUP_DIGITS + 1 == NOTE_TEXT_SIZE, "");
_Static_assert(CORE_MAX_NODE_ID == (1 << NODE_ID_BITS) - 1, "");
_Static_assert(CORE_MAX_PAUSE == (INT64_C(1) << POSITION_BITS) - 1, "");
_Static_assert(CORE_MAX_TERM == (INT64_C(1) << TERM_BITS) - 1, "");

/* The phases by their number in the text form, which outlives the enum's order. */
static const enum core_phase phases[] = {
    CORE_PHASE_NONE, /* not in a note */
    CORE_PHASE_LEAD,    CORE_PHASE_RENEW,  CORE_PHASE_FOLLOW,  CORE_PHASE_ASK,
    CORE_PHASE_CANVASS, CORE_PHASE_VOTE,   CORE_PHASE_PROMOTE, CORE_PHASE_RESIGNED,
    CORE_PHASE_PASS,    CORE_PHASE_PAUSED,
};

#define N_PHASES (sizeof phases / sizeof phases[0])

const char *note_phase_name(enum core_phase phase)
{
    switch (phase) {
    case CORE_PHASE_LEAD:
        return "lead";
    case CORE_PHASE_RENEW:
        return "renew";
    case CORE_PHASE_FOLLOW:
        return "follow";
    case CORE_PHASE_ASK:
        return "ask";
    case CORE_PHASE_CANVASS:
        return "canvass";
    case CORE_PHASE_VOTE:
        return "vote";
    case CORE_PHASE_PROMOTE:
        return "promote";
    case CORE_PHASE_RESIGNED:
        return "resigned";
    case CORE_PHASE_PASS:
        return "pass";
    case CORE_PHASE_PAUSED:
        return "paused";
    case CORE_PHASE_NONE:
        break;
    }
    return "none";
}

/* ---- bits ----------------------------------------------------------------------- */

struct bits {
    uint8_t bytes[N_BYTES];
    int at; /* the next bit */
};

static uint64_t largest(int width)
{
    return (UINT64_C(1) << width) - 1;
}

static void put(struct bits *bits, int width, uint64_t value)
{
    CORE_ASSERT(value <= largest(width) && bits->at + width <= N_BYTES * 8);
    while (width-- > 0) {
        int shift = 7 - bits->at % 8;

        bits->bytes[bits->at++ / 8] |= (uint8_t)((value >> width & 1) << shift);
    }
}

static uint64_t take(struct bits *bits, int width)
{
    uint64_t value = 0;

    CORE_ASSERT(bits->at + width <= N_BYTES * 8);
    for (; width > 0; width--, bits->at++)
        value = value << 1 | (bits->bytes[bits->at / 8] >> (7 - bits->at % 8) & 1);
    return value;
}

/* `value`, which is not negative, or what there is room for. */
static void put_cut(struct bits *bits, int width, int64_t value)
{
    CORE_ASSERT(value >= 0);
    put(bits, width,
        (uint64_t)value < largest(width) ? (uint64_t)value : largest(width));
}

/* ---- fields --------------------------------------------------------------------- */

static void put_phase(struct bits *bits, enum core_phase phase)
{
    uint64_t number = 1;

    while (number < N_PHASES && phases[number] != phase)
        number++;
    CORE_ASSERT(number < N_PHASES);
    put(bits, PHASE_BITS, number);
}

static void put_stamp(struct bits *bits, struct core_stamp stamp)
{
    put(bits, CORE_BOOT_BITS, stamp.ms != 0 ? stamp.boot : 0);
    put_cut(bits, MS_BITS, stamp.ms);
}

static struct core_stamp take_stamp(struct bits *bits)
{
    struct core_stamp stamp;

    stamp.boot = (uint32_t)take(bits, CORE_BOOT_BITS);
    stamp.ms = (int64_t)take(bits, MS_BITS);
    return stamp;
}

/* In the place of a position: whoever granted a pause gives no report. */
static void
put_report(struct bits *bits, const struct core_report *report, int64_t pause_version)
{
    bool known = report->known && report->term >= 0 && report->term <= CORE_MAX_TERM &&
                 report->position.pos <= largest(POSITION_BITS);

    put(bits, 1, known);
    put(bits, TERM_BITS, known ? (uint64_t)report->term : report->coming);
    put(bits, POSITION_BITS, known ? report->position.pos : (uint64_t)pause_version);
}

static struct core_report take_report(struct bits *bits, int64_t *ret_pause_version)
{
    struct core_report report;

    report.known = take(bits, 1) != 0;
    report.term = (int64_t)take(bits, TERM_BITS);
    report.coming = !report.known && report.term == 1;
    if (report.coming)
        report.term = 0;
    report.position.pos = take(bits, POSITION_BITS);
    *ret_pause_version = report.known ? 0 : (int64_t)report.position.pos;
    if (!report.known)
        report.position.pos = 0;
    return report;
}

/* Everything but the checksum. */
static void put_note(struct bits *bits, const struct core_note *note)
{
    CORE_ASSERT(note->node_id > 0 && note->leader_id >= 0);
    put(bits, NODE_ID_BITS, (uint64_t)note->node_id);
    put_phase(bits, note->phase);
    put(bits, 1, note->frozen);
    put(bits, 1, note->voiceless);
    put(bits, 1, note->paused);
    put(bits, 1, note->relies);
    put(bits, TERM_BITS, (uint64_t)note->term);
    put_stamp(bits, note->stamp);
    put(bits, NODE_ID_BITS, (uint64_t)note->leader_id);
    put_stamp(bits, note->echo);
    put_report(bits, &note->report, note->pause_version);
    put_cut(bits, WINDOW_BITS, note->window_ms);
    put(bits, MEMBERS_BITS, (uint64_t)note->members_version);
    put_cut(bits, INCARNATION_BITS, note->incarnation);
}

/* The same way back. What is no note is found out by writing it again. */
static bool take_note(struct bits *bits, struct core_note *ret_note)
{
    uint64_t phase;

    *ret_note = (struct core_note){.node_id = (int)take(bits, NODE_ID_BITS)};
    phase = take(bits, PHASE_BITS);
    if (ret_note->node_id == 0 || phase == 0 || phase >= N_PHASES)
        return false;
    ret_note->phase = phases[phase];
    ret_note->frozen = take(bits, 1) != 0;
    ret_note->voiceless = take(bits, 1) != 0;
    ret_note->paused = take(bits, 1) != 0;
    ret_note->relies = take(bits, 1) != 0;
    ret_note->term = (int64_t)take(bits, TERM_BITS);
    ret_note->stamp = take_stamp(bits);
    ret_note->leader_id = (int)take(bits, NODE_ID_BITS);
    ret_note->echo = take_stamp(bits);
    ret_note->report = take_report(bits, &ret_note->pause_version);
    ret_note->window_ms = (int64_t)take(bits, WINDOW_BITS);
    ret_note->members_version = (int64_t)take(bits, MEMBERS_BITS);
    ret_note->incarnation = (uint32_t)take(bits, INCARNATION_BITS);
    return true;
}

/* ---- text ----------------------------------------------------------------------- */

static const char alphabet[] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@"
    "%$#";

_Static_assert(sizeof alphabet == BASE + 1, "");

static void write_group(struct bits *bits, char *text)
{
    uint64_t value = take(bits, 32);

    for (int i = GROUP_DIGITS; i-- > 0; value /= BASE)
        text[i] = alphabet[value % BASE];
}

/* Returns false for a character that is no digit (the terminator, too) and for a number
 * of more than 32 bits. */
static bool read_group(const char *text, struct bits *bits)
{
    uint64_t value = 0;

    for (int i = 0; i < GROUP_DIGITS; i++) {
        const char *digit = text[i] != '\0' ? strchr(alphabet, text[i]) : NULL;

        if (digit == NULL)
            return false;
        value = value * BASE + (uint64_t)(digit - alphabet);
    }
    if (value > UINT32_MAX)
        return false;
    put(bits, 32, value);
    return true;
}

char *note_format(const struct core_note *note, char buf[static NOTE_TEXT_SIZE])
{
    struct bits bits = {0};
    char *text = buf + PREFIX_LENGTH;

    put_note(&bits, note);
    put(&bits, CHECKSUM_BITS,
        crc32c(bits.bytes, sizeof bits.bytes) & largest(CHECKSUM_BITS));
    bits.at = 0;
    (void)memcpy(buf, PREFIX, PREFIX_LENGTH);
    for (int i = 0; i < N_GROUPS; i++, text += GROUP_DIGITS)
        write_group(&bits, text);
    *text = '\0';
    return buf;
}

/* Checksum and what is empty are compared by writing the note again. */
int note_parse(const char *text, struct core_note *ret_note)
{
    struct bits bits = {0};
    struct core_note note;
    char again[NOTE_TEXT_SIZE];

    if (strnlen(text, NOTE_TEXT_SIZE) != NOTE_TEXT_SIZE - 1 ||
        strncmp(text, PREFIX, PREFIX_LENGTH) != 0)
        return -EINVAL;
    for (size_t i = 0; i < N_GROUPS; i++)
        if (!read_group(text + PREFIX_LENGTH + i * GROUP_DIGITS, &bits))
            return -EINVAL;
    bits.at = 0;
    if (!take_note(&bits, &note) || strcmp(note_format(&note, again), text) != 0)
        return -EINVAL;
    *ret_note = note;
    return 0;
}

/* ---- boards --------------------------------------------------------------------- */

/* Does `note`, read later, take the place of `old`? */
static bool is_newer(const struct core_note *note, const struct core_note *old)
{
    if (note->incarnation != old->incarnation)
        return note->incarnation > old->incarnation;
    return note->stamp.boot != old->stamp.boot || note->stamp.ms >= old->stamp.ms;
}

static void
keep_newest(const struct core_note *note, struct core_note *notes, int max, int *n)
{
    int i = 0;

    while (i < *n && notes[i].node_id != note->node_id)
        i++;
    if (i == *n && i < max)
        notes[(*n)++] = *note;
    else if (i < *n && is_newer(note, &notes[i]))
        notes[i] = *note;
}

int note_board(const char *lines, struct core_note *ret, int max, int *ret_n_bad)
{
    int n = 0, n_bad = 0;

    while (*lines != '\0') {
        size_t length = strcspn(lines, "\n");
        char line[NOTE_TEXT_SIZE] = "";
        struct core_note note;

        if (length < sizeof line)
            (void)memcpy(line, lines, length);
        if (note_parse(line, &note) == 0)
            keep_newest(&note, ret, max, &n);
        else if (strncmp(lines, PREFIX, PREFIX_LENGTH) == 0)
            n_bad++;
        lines += length;
        lines += *lines == '\n';
    }
    if (ret_n_bad != NULL)
        *ret_n_bad = n_bad;
    return n;
}
