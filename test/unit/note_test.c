/* note_test.c - notes there and back, what is no note, and which of several counts. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crc32c.h"
#include "note.h"
#include "unit.h"

/* Every field, each with a value of its own. */
static struct core_note sample(void)
{
    return (struct core_note){
        .phase = CORE_PHASE_FOLLOW,
        .node_id = 2,
        .term = 17,
        .stamp = {.boot = 0x1234,              .ms = 123456789012},
        .leader_id = 1,
        .echo = {             .boot = 0x2abc,            .ms = 987654321                  },
        .report = { .known = true, .term = 16,                   .position = {0x16B374D848}},
        .window_ms = 10000,
        .members_version = 42,
        .incarnation = 3,
        .frozen = true,
    };
}

static struct core_note largest(void)
{
    return (struct core_note){
        .phase = CORE_PHASE_PAUSED,
        .node_id = CORE_MAX_NODE_ID,
        .term = CORE_MAX_TERM,
        .stamp = {.boot = 0x3fff,                        .ms = (INT64_C(1) << 38) - 1},
        .leader_id = CORE_MAX_NODE_ID,
        .echo = {             .boot = 0x3fff,         .ms = (INT64_C(1) << 38) - 1                            },
        .report = { .known = true,
                  .term = CORE_MAX_TERM,
                  .position = {(UINT64_C(1) << 56) - 1}},
        .window_ms = (1 << 20) - 1,
        .members_version = (INT64_C(1) << 40) - 1,
        .incarnation = 1023,
        .frozen = true,
        .voiceless = true,
    };
}

/* In the place of a report. */
static struct core_note paused(void)
{
    struct core_note note = largest();

    note.report = (struct core_report){0};
    note.pause_version = CORE_MAX_PAUSE;
    note.paused = true;
    note.relies = true;
    return note;
}

static void assert_stamp(struct core_stamp a, struct core_stamp b)
{
    assert_int_equal(a.boot, b.boot);
    assert_true(a.ms == b.ms);
}

static void assert_same(const struct core_note *a, const struct core_note *b)
{
    assert_int_equal(a->phase, b->phase);
    assert_int_equal(a->node_id, b->node_id);
    assert_true(a->term == b->term);
    assert_stamp(a->stamp, b->stamp);
    assert_int_equal(a->leader_id, b->leader_id);
    assert_stamp(a->echo, b->echo);
    assert_int_equal(a->report.known, b->report.known);
    assert_true(a->report.term == b->report.term);
    assert_true(a->report.position.pos == b->report.position.pos);
    assert_true(a->window_ms == b->window_ms);
    assert_true(a->members_version == b->members_version);
    assert_int_equal(a->incarnation, b->incarnation);
    assert_int_equal(a->frozen, b->frozen);
    assert_int_equal(a->voiceless, b->voiceless);
    assert_true(a->pause_version == b->pause_version);
    assert_int_equal(a->paused, b->paused);
    assert_int_equal(a->relies, b->relies);
}

static struct core_note round_trip(const struct core_note *note)
{
    char text[NOTE_TEXT_SIZE];
    struct core_note back = {0};

    assert_ptr_equal(note_format(note, text), text);
    assert_int_equal(strlen(text), 63);
    assert_int_equal(note_parse(text, &back), 0);
    return back;
}

static void there_and_back(void **state)
{
    const struct core_note notes[] = {
        paused(),
        sample(),
        largest(),
        {.phase = CORE_PHASE_LEAD, .node_id = 1     },
        { .phase = CORE_PHASE_ASK,            .node_id = 3, .voiceless = true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        struct core_note back = round_trip(&notes[i]);

        assert_same(&back, &notes[i]);
    }
}

static void every_phase_has_its_number(void **state)
{
    (void)state;
    for (int phase = CORE_PHASE_NONE + 1; phase <= CORE_PHASE_PAUSED; phase++) {
        struct core_note note = sample();

        note.phase = (enum core_phase)phase;
        assert_int_equal(round_trip(&note).phase, phase);
        assert_string_not_equal(note_phase_name(note.phase), "none");
    }
}

/* Daemons of different versions read each other: neither layout nor numbers may move.
 */
static void text_form_is_fixed(void **state)
{
    const struct core_note notes[] = {
        sample(), largest(), {.phase = CORE_PHASE_LEAD, .node_id = 1}
    };
    static const char *const texts[] = {
        "pgrmond2001l]0003lJu2W28wAeK8M%c4?E%fA000o801h@vy:o3vFb/MH0z<19",
        "pgrmond2%nR@w%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSa(",
        "pgrmond2000Ph0000000000000000000000000000000000000000000000004-",
    };
    char text[NOTE_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++)
        assert_string_equal(note_format(&notes[i], text), texts[i]);
}

static void checksum_is_crc32c(void **state)
{
    (void)state;
    assert_true(crc32c("123456789", 9) == UINT32_C(0xE3069283));
    assert_true(crc32c("", 0) == 0);
}

/* PostgreSQL cuts names at 63 bytes and replaces what is not printable; the log and the
 * statement must not need quoting. */
static void text_is_harmless(void **state)
{
    const struct core_note notes[] = {sample(), largest()};
    char text[NOTE_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++)
        for (const char *c = note_format(&notes[i], text); *c != '\0'; c++)
            assert_true(*c > ' ' && *c < 127 && strchr("'\"\\`", *c) == NULL);
}

static void what_does_not_fit_is_cut(void **state)
{
    struct core_note note = largest(), back;
    const struct core_note expected = largest();

    (void)state;
    note.window_ms = INT64_MAX;
    note.stamp.ms = INT64_MAX;
    note.echo.ms = INT64_C(1) << 38;
    note.incarnation = UINT32_MAX;
    back = round_trip(&note);
    assert_same(&back, &expected);
}

static void report_that_does_not_fit_is_left_out(void **state)
{
    struct core_note far = sample(), late = sample();

    (void)state;
    far.report.position.pos = UINT64_C(1) << 56;
    assert_false(round_trip(&far).report.known);
    late.report.term = CORE_MAX_TERM + 1;
    assert_false(round_trip(&late).report.known);
    assert_true(round_trip(&late).report.position.pos == 0);
}

/* A boot without a time, and a report that is not known, say nothing. */
static void nothing_is_written_as_nothing(void **state)
{
    struct core_note note = {.phase = CORE_PHASE_ASK, .node_id = 1}, empty = note;
    char text[NOTE_TEXT_SIZE], again[NOTE_TEXT_SIZE];

    (void)state;
    note.stamp.boot = 7;
    note.report.term = 8;
    note.report.position.pos = 9;
    assert_string_equal(note_format(&note, text), note_format(&empty, again));
    note.report.coming = true; /* but for that */
    note = round_trip(&note);
    assert_true(note.report.coming && !note.report.known && note.report.term == 0);
    note.report.known = true;
    assert_false(round_trip(&note).report.coming);
}

/* Does formatting `note` end the process by a trap? */
static bool traps(const struct core_note *note)
{
    char text[NOTE_TEXT_SIZE];
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        (void)signal(SIGILL, SIG_DFL);
        (void)signal(SIGTRAP, SIG_DFL);
        (void)note_format(note, text);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void bugs_trap(void **state)
{
    struct core_note fine = sample(), notes[10];

    (void)state;
    assert_false(traps(&fine));
    for (int i = 0; i < 10; i++)
        notes[i] = fine;
    notes[0].node_id = 0;
    notes[1].node_id = CORE_MAX_NODE_ID + 1;
    notes[2].leader_id = -1;
    notes[3].term = CORE_MAX_TERM + 1;
    notes[4].term = -1;
    notes[5].phase = CORE_PHASE_NONE;
    notes[6].members_version = INT64_C(1) << 40;
    notes[7].stamp.boot = 1 << CORE_BOOT_BITS;
    notes[8].window_ms = -1;
    notes[9].stamp.ms = -1;
    for (int i = 0; i < 10; i++)
        assert_true(traps(&notes[i]));
}

/* ---- what is no note ------------------------------------------------------------ */

static void assert_refused(const char *text)
{
    const struct core_note untouched = largest();
    struct core_note note = untouched;

    assert_int_equal(note_parse(text, &note), -EINVAL);
    assert_same(&note, &untouched);
}

static void other_texts_are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "psql",
        "pgrmond2",
        "pgrmond/1 2 follow 1 17",
        "pgrmond20000000000000000000000000000000000000000000000000000000",
        "pgrmond2#######################################################",
        "pgrmond2                                                       ",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_refused(texts[i]);
}

static void other_lengths_are_refused(void **state)
{
    struct core_note note = sample();
    char text[NOTE_TEXT_SIZE + 1];

    (void)state;
    (void)note_format(&note, text);
    text[63] = '0';
    text[64] = '\0';
    assert_refused(text);
    for (int length = 62; length >= 0; length--) {
        text[length] = '\0';
        assert_refused(text);
    }
}

/* One character off: mostly the checksum's work, which lets 1 of 512 pass, and what
 * passes is a note that is written the same again. */
static void accidents_are_noticed(void **state)
{
    struct core_note note = sample(), back;
    char text[NOTE_TEXT_SIZE], again[NOTE_TEXT_SIZE];
    int n_passed = 0, n_tried = 0;

    (void)state;
    for (size_t i = 0; i < 63; i++) {
        for (int c = 1; c < 256; c++) {
            (void)note_format(&note, text);
            if ((unsigned char)text[i] == c)
                continue;
            text[i] = (char)c;
            n_tried++;
            if (note_parse(text, &back) != 0)
                continue;
            n_passed++;
            assert_true(i >= 8);
            assert_string_equal(note_format(&back, again), text);
        }
    }
    assert_int_equal(n_tried, 63 * 254);
    assert_in_range(n_passed, 0, 55 * 84 / 512 * 4);
}

/* Bits set by hand with a right checksum: the other reasons to refuse. */
static const char alphabet[] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@"
    "%$#";

static char *seal(uint8_t bytes[static 44], char text[static NOTE_TEXT_SIZE])
{
    uint32_t sum;
    char *end = text + 8;

    bytes[42] &= 0xfe;
    bytes[43] = 0;
    sum = crc32c(bytes, 44) & 0x1ff;
    bytes[42] |= (uint8_t)(sum >> 8);
    bytes[43] = (uint8_t)sum;
    (void)memcpy(text, "pgrmond2", 8);
    for (int i = 0; i < 44; i += 4, end += 5) {
        uint32_t value = (uint32_t)bytes[i] << 24 | (uint32_t)bytes[i + 1] << 16 |
                         (uint32_t)bytes[i + 2] << 8 | bytes[i + 3];

        for (int k = 4; k >= 0; k--, value /= 85)
            end[k] = alphabet[value % 85];
    }
    *end = '\0';
    return text;
}

/* Node 1, phase 1 ("lead"), nothing else. */
#define PLAIN                                                                          \
    {                                                                                  \
        [2] = 0x11                                                                     \
    }

static void odd_bits_are_refused(void **state)
{
    static const struct {
        int byte;
        uint8_t value;
    } odd[] = {
        {2,  0x01}, /* node 0 */
        {2,  0x10}, /* phase 0 */
        {2,  0x1b}, /* phase 11 */
        {2,  0x1f}, /* phase 15 */
        {7,  0x01}, /* a boot without a time */
        {16, 0x01}, /* of the echo */
        {24, 0x01}, /* the term of a report that is not known */
    };
    uint8_t plain[44] = PLAIN;
    char text[NOTE_TEXT_SIZE];
    struct core_note note;

    (void)state;
    assert_int_equal(note_parse(seal(plain, text), &note), 0);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        uint8_t bytes[44] = PLAIN;

        bytes[odd[i].byte] = odd[i].value;
        assert_refused(seal(bytes, text));
    }
}

/* "#####" is more than 32 bits: modulo 2^32 it would be another writing of a note. */
static void groups_do_not_overflow(void **state)
{
    uint8_t bytes[44] = PLAIN;
    char text[NOTE_TEXT_SIZE];
    struct core_note note;
    uint64_t value = 0;

    (void)state;
    assert_int_equal(note_parse(seal(bytes, text), &note), 0);
    for (int i = 13; i < 18; i++)
        value = value * 85 + (uint64_t)(strchr(alphabet, text[i]) - alphabet);
    value += UINT64_C(1) << 32;
    for (int i = 17; i >= 13; i--, value /= 85)
        text[i] = alphabet[value % 85];
    assert_int_equal(value, 0);
    assert_refused(text);
}

/* ---- boards --------------------------------------------------------------------- */

/* A board of `n` notes, one a line. */
static char *board(const struct core_note *notes, int n)
{
    static char lines[8 * NOTE_TEXT_SIZE];

    lines[0] = '\0';
    for (int i = 0; i < n; i++) {
        char text[NOTE_TEXT_SIZE];

        (void)strcat(lines, note_format(&notes[i], text));
        if (i + 1 < n)
            (void)strcat(lines, "\n");
    }
    return lines;
}

static void empty_board(void **state)
{
    struct core_note notes[1];
    int n_bad = -1;

    (void)state;
    assert_int_equal(note_board("", notes, 1, &n_bad), 0);
    assert_int_equal(n_bad, 0);
    assert_int_equal(note_board("\n\npsql\npgrmond/1 1 lead 1 1", notes, 1, &n_bad), 0);
    assert_int_equal(n_bad, 0);
    assert_int_equal(note_board("pgrmond2", notes, 1, NULL), 0);
}

static void all_nodes_are_read(void **state)
{
    struct core_note notes[] = {sample(), largest(), sample()}, found[3];
    char lines[1024];
    int n_bad;

    (void)state;
    notes[2].node_id = 3;
    (void)snprintf(lines, sizeof lines,
                   "pgrmond2 a long line that is no note, longer than any note can be"
                   "\n%s\npgrmond2#\n",
                   board(notes, 3));
    assert_int_equal(note_board(lines, found, 3, &n_bad), 3);
    assert_int_equal(n_bad, 2);
    for (int i = 0; i < 3; i++)
        assert_same(&found[i], &notes[i]);
    assert_int_equal(note_board(lines, found, 2, &n_bad), 2);
    assert_int_equal(found[1].node_id, CORE_MAX_NODE_ID);
}

/* Which of two notes of node 2 counts: 0 or 1; read in this order, and the other. */
static void assert_newest(const struct core_note pair[2], int first, int second)
{
    const struct core_note turned[] = {pair[1], pair[0]};
    struct core_note found[2];

    assert_int_equal(note_board(board(pair, 2), found, 2, NULL), 1);
    assert_same(&found[0], &pair[first]);
    assert_int_equal(note_board(board(turned, 2), found, 2, NULL), 1);
    assert_same(&found[0], &pair[second]);
}

static void newest_counts(void **state)
{
    struct core_note pair[] = {sample(), sample()};

    (void)state;
    pair[0].leader_id = 3;
    pair[1].stamp.ms += 1;
    assert_newest(pair, 1, 1);
    pair[0].incarnation++; /* goes before the stamp */
    assert_newest(pair, 0, 0);
    pair[1] = pair[0];
    pair[1].term = 1; /* same stamp: the later line */
    assert_newest(pair, 1, 0);
    pair[0].stamp =
        (struct core_stamp){.boot = 1, .ms = 5}; /* another boot: likewise */
    assert_newest(pair, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(every_phase_has_its_number),
        cmocka_unit_test(text_form_is_fixed),
        cmocka_unit_test(checksum_is_crc32c),
        cmocka_unit_test(text_is_harmless),
        cmocka_unit_test(what_does_not_fit_is_cut),
        cmocka_unit_test(report_that_does_not_fit_is_left_out),
        cmocka_unit_test(nothing_is_written_as_nothing),
        cmocka_unit_test(bugs_trap),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(other_lengths_are_refused),
        cmocka_unit_test(accidents_are_noticed),
        cmocka_unit_test(odd_bits_are_refused),
        cmocka_unit_test(groups_do_not_overflow),
        cmocka_unit_test(empty_board),
        cmocka_unit_test(all_nodes_are_read),
        cmocka_unit_test(newest_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
