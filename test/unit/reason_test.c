/* reason_test.c - every sentence that a decision can produce: all of them against
 * test/golden/core/words.ok (PGRMON_GOLDEN_UPDATE=1 writes it), and none cut or left
 * without words, with names as long as they may be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/reason.h"
#include "core_fixture.h"

#define GOLDEN TEST_SOURCE_DIR "/test/golden/core/words.ok"

/* The last ones; a new enumerator must be put in front of them or named here. */
#define LAST_REASON  CORE_WHY_RELIES_NO_MORE
#define LAST_MESSAGE CORE_SAY_PAUSE
#define LAST_RECORD  CORE_REC_RENEWED
#define LAST_STATE   CORE_RESIGNING
#define LAST_RULE    CORE_RANK_ID
#define LAST_REACH   REACH_UNUSABLE

static const char *level(enum core_level loud)
{
    static const char *const names[] = {"DEBUG", "INFO", "NOTICE", "WARNING", "ERROR"};

    return names[loud];
}

static struct core_why why_with_all(enum core_reason reason)
{
    return (struct core_why){.reason = reason,
                             .node_id = 3,
                             .a = 2,
                             .b = 3,
                             .rule = CORE_RANK_PRIORITY,
                             .lsn = {UINT64_C(0x16B374D848)},
                             .term = 4};
}

/* ---- all of them ------------------------------------------------------------- */

/* What is done with each message: `label` says which one it is. */
typedef void each_fn(void *arg, const char *label, const struct core_text *text);

static void say(const struct core *core,
                const struct core_effect *effect,
                const char *label,
                each_fn *each,
                void *arg)
{
    struct core_text text;

    memset(&text, 'x', sizeof text);
    reason_say(core, effect, &text);
    each(arg, label, &text);
}

static void
each_verdict(struct core *core, struct core_effect *effect, each_fn *each, void *arg)
{
    char label[64];

    for (int reason = 0; reason <= LAST_REASON; reason++) {
        effect->why = why_with_all((enum core_reason)reason);
        (void)snprintf(label, sizeof label, "message %d, reason %s",
                       (int)effect->message, reason_name(effect->why.reason));
        say(core, effect, label, each, arg);
    }
    effect->why = why_with_all(CORE_WHY_ONLY_CANDIDATE); /* of two */
    effect->why.b = 2;
    say(core, effect, "message verdict, two nodes", each, arg);
    effect->why = why_with_all(CORE_WHY_MANY_LEADERS); /* as a primary sees it */
    core->state = CORE_PRIMARY;
    say(core, effect, "message verdict, on a primary", each, arg);
    core->state = CORE_ELECTING;
}

static void
each_waiting(struct core *core, struct core_effect *effect, each_fn *each, void *arg)
{
    for (int reason = CORE_WHY_NO_LOCAL; reason <= CORE_WHY_WRONG_SYSTEM; reason++) {
        effect->why = why_with_all((enum core_reason)reason);
        say(core, effect, "message waiting", each, arg);
    }
    effect->why = why_with_all(CORE_WHY_NO_STATE);
    say(core, effect, "message waiting, no state", each, arg);
}

/* Why own PostgreSQL is stopped, continued or given up. */
static void
each_lease(struct core *core, struct core_effect *effect, each_fn *each, void *arg)
{
    static const enum core_reason reasons[] = {
        CORE_WHY_LEASE,    CORE_WHY_LEASE_LOST, CORE_WHY_LEASE_OVER,
        CORE_WHY_CRASHED,  CORE_WHY_STOPPED,    CORE_WHY_TOO_LONG_FROZEN,
        CORE_WHY_HUNG,     CORE_WHY_GUARDED,    CORE_WHY_LATER_LEADER,
        CORE_WHY_UNLEASED, CORE_WHY_NO_STATE,   CORE_WHY_PROMOTE_FAILED,
    };
    char label[64];

    effect->node_id = core->settings.self_id;
    for (size_t i = 0; i < N_OF(reasons); i++) {
        effect->why = why_with_all(reasons[i]);
        (void)snprintf(label, sizeof label, "message lease, %s",
                       reason_name(reasons[i]));
        say(core, effect, label, each, arg);
    }
    effect->why = why_with_all(CORE_WHY_LEASE);
    effect->why.b = 0;
    say(core, effect, "message lease, none needed", each, arg);
}

/* The reason that goes with a message that has one only. */
static void each_with_its_own(struct core *core,
                              struct core_effect *effect,
                              each_fn *each,
                              void *arg)
{
    enum core_reason reason = CORE_WHY_PROMOTE_FAILED;
    char label[32];

    if (effect->message == CORE_SAY_VOTED)
        reason = CORE_WHY_VOTED;
    else if (effect->message == CORE_SAY_NO_STATE)
        reason = CORE_WHY_NO_STATE;
    else if (effect->message == CORE_SAY_TWIN)
        reason = CORE_WHY_TWIN;
    else if (effect->message == CORE_SAY_DAEMON_SILENT)
        reason = CORE_WHY_LEADER_STOPPED;
    effect->why = why_with_all(reason);
    (void)snprintf(label, sizeof label, "message %d", (int)effect->message);
    say(core, effect, label, each, arg);
}

static void
each_reach(struct core *core, struct core_effect *effect, each_fn *each, void *arg)
{
    char label[64];

    for (int reach = REACH_REJECTED; reach <= REACH_FAILED; reach++) {
        effect->reach = (enum reach)reach;
        (void)snprintf(label, sizeof label, "message %d, %s", (int)effect->message,
                       reach_name(effect->reach));
        say(core, effect, label, each, arg);
    }
}

static void
each_state(struct core *core, struct core_effect *effect, each_fn *each, void *arg)
{
    char label[64];

    core->local_up = true;
    core->why = why_with_all(CORE_WHY_OTHER_BETTER);
    for (int state = 0; state <= LAST_STATE; state++) {
        core->state = (enum core_state)state;
        (void)snprintf(label, sizeof label, "message %d, %s", (int)effect->message,
                       reason_state_name(core->state));
        say(core, effect, label, each, arg);
    }
    core->state = CORE_ELECTING;
}

static void
each_lost(struct core *core, struct core_effect *effect, each_fn *each, void *arg)
{
    effect->node_id = 1;
    say(core, effect, "message lost, the primary", each, arg);
    effect->node_id = 4;
    fixture_see(core, fixture_failed(4, REACH_SILENT));
    say(core, effect, "message lost, an upstream", each, arg);
    effect->node_id = 1;
    fixture_see(core, fixture_standby(1));
    say(core, effect, "message lost, in recovery", each, arg);
    fixture_see(core, fixture_failed(1, REACH_REFUSED));
    effect->node_id = 9;
    say(core, effect, "message lost, no member", each, arg);
}

static void
each_interval(struct core *core, struct core_effect *effect, each_fn *each, void *arg)
{
    static const int64_t intervals[] = {1000, 1500, 10000};

    for (size_t i = 0; i < N_OF(intervals); i++) {
        core->settings.reconnect_interval_ms = intervals[i];
        say(core, effect, "message sleeping", each, arg);
    }
}

static void
each_pause(struct core *core, struct core_effect *effect, each_fn *each, void *arg)
{
    for (int reason = CORE_WHY_PAUSED; reason <= CORE_WHY_RELIES_NO_MORE; reason++) {
        effect->why = why_with_all((enum core_reason)reason);
        effect->why.a = reason == CORE_WHY_RELIES ? 1 : 3600;
        say(core, effect, "message pause", each, arg);
    }
}

static void each_message(struct core *core, each_fn *each, void *arg)
{
    for (int message = 0; message <= LAST_MESSAGE; message++) {
        struct core_effect effect = {.kind = CORE_EFF_REPORT,
                                     .node_id = 3,
                                     .message = (enum core_message)message,
                                     .why = why_with_all(CORE_WHY_PROMOTE_FAILED)};

        if (message == CORE_SAY_VERDICT)
            each_verdict(core, &effect, each, arg);
        else if (message == CORE_SAY_WAITING)
            each_waiting(core, &effect, each, arg);
        else if (message == CORE_SAY_ALIVE)
            each_reach(core, &effect, each, arg);
        else if (message == CORE_SAY_STATUS)
            each_state(core, &effect, each, arg);
        else if (message == CORE_SAY_LOST)
            each_lost(core, &effect, each, arg);
        else if (message == CORE_SAY_SLEEPING)
            each_interval(core, &effect, each, arg);
        else if (message == CORE_SAY_PAUSE)
            each_pause(core, &effect, each, arg);
        else if (message == CORE_SAY_LEASE)
            each_lease(core, &effect, each, arg);
        else
            each_with_its_own(core, &effect, each, arg);
    }
}

static void each_change(struct core *core, each_fn *each, void *arg)
{
    for (int reason = 0; reason <= LAST_REASON; reason++) {
        struct core_effect effect = {.kind = CORE_EFF_ENTER,
                                     .from = CORE_STANDBY,
                                     .state = CORE_ELECTING,
                                     .why = why_with_all((enum core_reason)reason)};

        say(core, &effect, reason_name((enum core_reason)reason), each, arg);
    }
}

/* ---- none without words, none cut -------------------------------------------- */

static void nothing_cut(void *arg, const char *label, const struct core_text *text)
{
    const char *const parts[] = {text->text, text->detail, text->hint};

    (void)arg;
    if (text->text[0] == '\0')
        fail_msg("%s: no text", label);
    for (size_t i = 0; i < N_OF(parts); i++) {
        if (strlen(parts[i]) >= sizeof text->text - 1)
            fail_msg("%s: cut: %s", label, parts[i]);
        if (strchr(parts[i], '?') != NULL)
            fail_msg("%s: no word for something: %s", label, parts[i]);
    }
    assert_in_range(text->level, CORE_LEVEL_DEBUG, CORE_LEVEL_ERROR);
    /* The house's way of writing messages. */
    assert_false(text->text[0] >= 'B' && text->text[0] <= 'Z' && text->text[1] != 'o');
    assert_true(text->text[strlen(text->text) - 1] != '.');
}

static void the_longest_names_fit(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    for (int i = 0; i < core.n_members; i++) {
        memset(core.members[i].name, 'W', CORE_NAME_SIZE - 1);
        core.members[i].name[CORE_NAME_SIZE - 1] = '\0';
    }
    core.settings.startup_patience_ms = INT64_C(86400000) * 365;
    each_message(&core, nothing_cut, NULL);
    each_change(&core, nothing_cut, NULL);
    /* The largest id, too. */
    core.members[2].id = INT32_MAX;
    core.settings.self_id = INT32_MAX;
    each_message(&core, nothing_cut, NULL);
}

static void every_reason_has_a_sentence(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    memset(core.members[2].name, 'W', CORE_NAME_SIZE - 1);
    core.members[2].id = INT32_MAX;
    for (int reason = 0; reason <= LAST_REASON; reason++) {
        struct core_why why = why_with_all((enum core_reason)reason);
        char room[1000], tight[200];

        why.node_id = INT32_MAX;
        reason_sentence(&core, &why, room, sizeof room);
        reason_sentence(&core, &why, tight, sizeof tight);
        assert_string_equal(room, tight); /* as much as reason_say() has */
        assert_string_not_equal(room, reason_name(why.reason));
    }
}

static void names_differ(void **state)
{
    (void)state;
    for (int a = 0; a <= LAST_REASON; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(reason_name((enum core_reason)a),
                                    reason_name((enum core_reason)b));
    for (int a = 0; a <= LAST_RECORD; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(reason_record_name((enum core_record)a),
                                    reason_record_name((enum core_record)b));
}

/* ---- the golden list --------------------------------------------------------- */

static void print_text(void *arg, const char *label, const struct core_text *text)
{
    FILE *to = arg;

    fprintf(to, "[%s]\n%s: %s\n", label, level(text->level), text->text);
    if (text->detail[0] != '\0')
        fprintf(to, "DETAIL: %s\n", text->detail);
    if (text->hint[0] != '\0')
        fprintf(to, "HINT: %s\n", text->hint);
}

static void print_names(FILE *to)
{
    for (int i = 0; i <= LAST_STATE; i++)
        fprintf(to, "state %d: %s\n", i, reason_state_name((enum core_state)i));
    for (int i = 0; i <= LAST_REASON; i++)
        fprintf(to, "reason %d: %s\n", i, reason_name((enum core_reason)i));
    for (int i = 0; i <= LAST_RULE; i++)
        fprintf(to, "rule %d: %s\n", i, reason_rank_rule((enum core_rank_rule)i));
    for (int i = 0; i <= LAST_RECORD; i++)
        fprintf(to, "event %d: %s\n", i, reason_record_name((enum core_record)i));
    for (int i = 0; i <= LAST_REACH; i++)
        fprintf(to, "reach %d: %s\n", i, reach_name((enum reach)i));
}

static char *read_golden(void)
{
    FILE *file = fopen(GOLDEN, "re");
    char *text = NULL;
    size_t size = 0;

    if (file == NULL)
        return calloc(1, 1);
    if (getdelim(&text, &size, '\0', file) < 0)
        text[0] = '\0';
    fclose(file);
    return text;
}

static void all_words_are_as_agreed(void **state)
{
    struct core core = fixture_electing(4);
    char *got = NULL, *expected;
    size_t size = 0;
    FILE *to = open_memstream(&got, &size);

    (void)state;
    print_names(to);
    each_message(&core, print_text, to);
    each_change(&core, print_text, to);
    fclose(to);
    if (getenv("PGRMON_GOLDEN_UPDATE") != NULL) {
        FILE *file = fopen(GOLDEN, "we");

        assert_non_null(file);
        fputs(got, file);
        fclose(file);
    }
    expected = read_golden();
    assert_string_equal(got, expected);
    free(expected);
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_names_fit),
        cmocka_unit_test(every_reason_has_a_sentence),
        cmocka_unit_test(names_differ),
        cmocka_unit_test(all_words_are_as_agreed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
