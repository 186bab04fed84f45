/* membership_test.c - rule M1: who has confirmed the membership that is to be changed.
 */
#include <stdio.h>
#include <string.h>

#include "membership.h"
#include "unit.h"

#define VERSION 512
#define TERM    2

static struct nodeset set;
static struct gathered answers[CORE_MAX_NODES];
static struct membership_count count;

/* Two data nodes and a witness, which have confirmed; their notes lie on node2's board.
 */
static int begin(void **state)
{
    (void)state;
    set = (struct nodeset){.n = 3, .version = VERSION};
    (void)memset(answers, 0, sizeof answers);
    for (int i = 0; i < 3; i++) {
        set.v[i] = (struct node_record){
            .id = i + 1,
            .role = i == 2 ? CORE_ROLE_WITNESS : CORE_ROLE_STANDBY,
            .voting = true,
        };
        answers[i].seen.reach = i == 2 ? REACH_UNKNOWN : REACH_OK;
        answers[i].seen.term = i == 2 ? 0 : TERM;
        answers[1].notes[answers[1].n_notes++] = (struct core_note){
            .phase = CORE_PHASE_FOLLOW,
            .node_id = i + 1,
            .term = TERM,
            .members_version = VERSION,
            .incarnation = 1,
        };
    }
    return 0;
}

static void counted(int confirmed)
{
    membership_count(&set, answers, TERM, &count);
    assert_int_equal(count.confirmed, confirmed);
}

static void m1_all_have_confirmed(void **state)
{
    (void)state;
    counted(3);
    assert_true(count.daemons);
    assert_int_equal(count.n_voters, 3);
    assert_int_equal(count.needed, 2);
    answers[1].notes[0].members_version = VERSION + 1; /* a later one includes it */
    counted(3);
}

static void m1_an_older_version_does_not_count(void **state)
{
    (void)state;
    answers[1].notes[0].members_version = VERSION - 1;
    counted(2);
    assert_int_equal(count.gaps[0], MEMBERSHIP_OLDER);
}

/* The row is what counts, not that the daemon has heard of the term; a witness has no
 * metadata. */
static void m1_the_term_must_have_arrived(void **state)
{
    (void)state;
    answers[1].seen.term = TERM - 1;
    answers[1].notes[2].term = TERM - 1;
    counted(1);
    assert_int_equal(count.gaps[1], MEMBERSHIP_NO_TERM);
    assert_int_equal(count.gaps[2], MEMBERSHIP_NO_TERM);
    answers[0].seen.reach = REACH_SILENT;
    counted(0);
}

static void m1_the_unseen_and_the_voiceless_do_not_count(void **state)
{
    (void)state;
    answers[1].notes[0].voiceless = true;
    answers[1].n_notes = 2;
    counted(1);
    assert_int_equal(count.gaps[0], MEMBERSHIP_VOICELESS);
    assert_int_equal(count.gaps[2], MEMBERSHIP_UNSEEN);
    assert_int_equal(count.n_voters, 3);
    assert_int_equal(count.needed, 2);
}

/* Before its own row is there the newest one is of the leader before it. */
static void m1_the_primary_leads_a_term_of_its_own(void **state)
{
    struct core_note *note = &answers[1].notes[0];

    (void)state;
    assert_false(membership_leads(&set, answers, 1));
    note->phase = CORE_PHASE_LEAD;
    assert_true(membership_leads(&set, answers, 1));
    note->term = TERM + 1;
    assert_false(membership_leads(&set, answers, 1));
    note->term = TERM;
    note->phase = CORE_PHASE_RENEW;
    assert_false(membership_leads(&set, answers, 1));
    assert_false(membership_leads(&set, answers, 7));
}

static void m1_only_voters_count(void **state)
{
    (void)state;
    set.v[2].voting = false;
    counted(2);
    assert_int_equal(count.n_voters, 2);
    assert_int_equal(count.needed, 2);
    assert_int_equal(membership_voters(&set, 0), 2);
    assert_int_equal(membership_voters(&set, 1), 1);
    assert_int_equal(membership_voters(&set, 3), 2);
}

/* Two of three have confirmed: one of them cannot go, the third can. */
static void m2_who_leaves_may_be_needed(void **state)
{
    int there, needed;

    (void)state;
    answers[1].notes[2].voiceless = true;
    counted(2);
    assert_false(membership_lasts(&set, &count, 1, &there, &needed));
    assert_int_equal(there, 1);
    assert_int_equal(needed, 2);
    assert_true(membership_lasts(&set, &count, 3, &there, &needed));
    assert_int_equal(there, 2);
    set.v[1].voting = false; /* of two voters: who stays must be there */
    counted(1);
    assert_false(membership_lasts(&set, &count, 1, &there, &needed));
    assert_true(membership_lasts(&set, &count, 3, &there, &needed));
}

static void m1_without_daemons_nobody_is_asked(void **state)
{
    (void)state;
    set.v[0].voting = false;
    answers[1].n_notes = 1; /* of one that has no vote */
    counted(0);
    assert_false(count.daemons);
    answers[1].n_notes = 2;
    counted(1);
    assert_true(count.daemons);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(m1_all_have_confirmed, begin),
        cmocka_unit_test_setup(m1_an_older_version_does_not_count, begin),
        cmocka_unit_test_setup(m1_the_term_must_have_arrived, begin),
        cmocka_unit_test_setup(m1_the_unseen_and_the_voiceless_do_not_count, begin),
        cmocka_unit_test_setup(m1_the_primary_leads_a_term_of_its_own, begin),
        cmocka_unit_test_setup(m1_only_voters_count, begin),
        cmocka_unit_test_setup(m2_who_leaves_may_be_needed, begin),
        cmocka_unit_test_setup(m1_without_daemons_nobody_is_asked, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
