/* membership.c - see membership.h. */
#include "membership.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cleanup.h"
#include "daemons.h"
#include "log.h"
#include "mono.h"
#include "registration.h"

#define WAIT_MS 10000
#define POLL_US 300000

/* ---- counting ------------------------------------------------------------------- */

static bool has_term(const struct node_record *record,
                     const struct gathered *answer,
                     const struct core_note *note,
                     int64_t term)
{
    if (record->role == CORE_ROLE_WITNESS)
        return note->term >= term;
    return answer->seen.reach == REACH_OK && answer->seen.term >= term;
}

static enum membership_gap
judge(const struct nodeset *set, const struct gathered *answers, int i, int64_t term)
{
    const struct core_note *note = daemons_newest(set, answers, set->v[i].id);

    if (note == NULL)
        return MEMBERSHIP_UNSEEN;
    if (note->voiceless)
        return MEMBERSHIP_VOICELESS;
    if (note->members_version < set->version)
        return MEMBERSHIP_OLDER;
    return has_term(&set->v[i], &answers[i], note, term) ? MEMBERSHIP_CONFIRMED
                                                         : MEMBERSHIP_NO_TERM;
}

static bool relies(const struct nodeset *set, const struct gathered *answers, int i)
{
    const struct core_note *note = daemons_newest(set, answers, set->v[i].id);

    return note != NULL && note->relies;
}

void membership_count(const struct nodeset *set,
                      const struct gathered *answers,
                      int64_t term,
                      struct membership_count *ret)
{
    *ret = (struct membership_count){0};
    for (int i = 0; i < set->n; i++) {
        ret->gaps[i] = judge(set, answers, i, term);
        if (!set->v[i].voting)
            continue;
        ret->relies = ret->relies || relies(set, answers, i);
        ret->n_voters++;
        ret->daemons = ret->daemons || ret->gaps[i] != MEMBERSHIP_UNSEEN;
        ret->confirmed += ret->gaps[i] == MEMBERSHIP_CONFIRMED;
    }
    ret->needed = ret->n_voters / 2 + 1;
}

bool membership_leads(const struct nodeset *set,
                      const struct gathered *answers,
                      int primary_id)
{
    const struct core_note *note = daemons_newest(set, answers, primary_id);

    for (int i = 0; i < set->n; i++)
        if (set->v[i].id == primary_id)
            return note != NULL && note->phase == CORE_PHASE_LEAD &&
                   answers[i].seen.reach == REACH_OK &&
                   note->term == answers[i].seen.term;
    return false;
}

int membership_voters(const struct nodeset *set, int except)
{
    int n = 0;

    for (int i = 0; i < set->n; i++)
        n += set->v[i].voting && set->v[i].id != except;
    return n;
}

bool membership_lasts(const struct nodeset *set,
                      const struct membership_count *count,
                      int leaving_id,
                      int *ret_there,
                      int *ret_needed)
{
    *ret_there = 0;
    for (int i = 0; i < set->n; i++)
        *ret_there += set->v[i].voting && set->v[i].id != leaving_id &&
                      count->gaps[i] == MEMBERSHIP_CONFIRMED;
    *ret_needed = membership_voters(set, leaving_id) / 2 + 1;
    return *ret_there >= *ret_needed;
}

/* ---- asking --------------------------------------------------------------------- */

/* The newest term row of the primary; of anybody, when it does not answer. */
static int64_t
newest_term(const struct nodeset *set, const struct gathered *answers, int primary_id)
{
    int64_t term = 0;

    for (int i = 0; i < set->n; i++) {
        if (answers[i].seen.reach != REACH_OK)
            continue;
        if (set->v[i].id == primary_id)
            return answers[i].seen.term;
        if (answers[i].seen.term > term)
            term = answers[i].seen.term;
    }
    return term;
}

static bool is_settled(const struct membership_count *count)
{
    return !count->daemons || (count->confirmed >= count->needed && count->leads);
}

static void await(const struct nodeset *set,
                  int primary_id,
                  int64_t wait_ms,
                  struct membership_count *ret)
{
    struct gathered *answers CLEANUP(cleanup_free) =
        xcalloc(CORE_MAX_NODES, sizeof *answers);
    struct mono deadline = mono_add(mono_now(), wait_ms);
    int told = -1;

    for (;;) {
        gather_probe(set, answers);
        membership_count(set, answers, newest_term(set, answers, primary_id), ret);
        ret->leads = membership_leads(set, answers, primary_id);
        if (is_settled(ret) || mono_reached(deadline, mono_now()))
            return;
        if (ret->confirmed != told)
            log_info("waiting until a majority of the daemons has confirmed the "
                     "present voters: %d of %d, %d needed",
                     ret->confirmed, ret->n_voters, ret->needed);
        told = ret->confirmed;
        (void)usleep(POLL_US);
    }
}

/* ---- telling -------------------------------------------------------------------- */

static const char *gap_text(enum membership_gap gap)
{
    switch (gap) {
    case MEMBERSHIP_CONFIRMED:
        return "has confirmed them";
    case MEMBERSHIP_UNSEEN:
        return "no pgrmond is seen";
    case MEMBERSHIP_VOICELESS:
        return "its pgrmond has no valid state file";
    case MEMBERSHIP_OLDER:
        return "its pgrmond knows an older set";
    case MEMBERSHIP_NO_TERM:
        return "it does not have the leader's term yet";
    }
    return "";
}

static void tell_missing(const struct nodeset *set,
                         const struct membership_count *count,
                         bool force,
                         struct precheck *list)
{
    char text[2048] = "", label[REGISTRATION_LABEL_SIZE];
    size_t used = 0;

    for (int i = 0; i < set->n && used < sizeof text; i++) {
        int n;

        if (!set->v[i].voting || count->gaps[i] == MEMBERSHIP_CONFIRMED)
            continue;
        n = snprintf(text + used, sizeof text - used, "%s%s: %s", used > 0 ? "\n" : "",
                     registration_label(&set->v[i], label), gap_text(count->gaps[i]));
        used += n > 0 ? (size_t)n : 0;
    }
    precheck_fail_unless(list, force, EXIT_CODE_BAD_CONFIG,
                         "%d of %d voters confirmed the present membership (version "
                         "%" PRId64 "), %d are needed before it is changed",
                         count->confirmed, count->n_voters, set->version,
                         count->needed);
    precheck_detail(list, "%s", text);
    precheck_hint(list,
                  "start pgrmond there and see \"pgrmon cluster notes\"; if they are "
                  "gone for good, \"--force\" goes on without them");
}

static void tell_no_leader(bool force, struct precheck *list)
{
    precheck_fail_unless(list, force, EXIT_CODE_BAD_CONFIG,
                         "the primary does not lead a term of its own");
    precheck_detail(list, "its pgrmond is not seen to lead the newest term that its "
                          "metadata has: another node may be elected");
    precheck_hint(list, "start pgrmond there and see \"pgrmon cluster notes\"; "
                        "\"--force\" goes on all the same");
}

/* Who leaves takes a vote along that may be needed. */
static void check_rest(const struct cmd_context *context,
                       const struct nodeset *set,
                       const struct membership_count *count,
                       int leaving_id,
                       struct precheck *list)
{
    int there, needed;

    if (leaving_id == 0 || !count->daemons ||
        membership_lasts(set, count, leaving_id, &there, &needed))
        return;
    precheck_fail_unless(list, context->line.force, EXIT_CODE_BAD_CONFIG,
                         "of those who would vote then %d are there, %d are needed",
                         there, needed);
    precheck_detail(list, "without a majority the primary is frozen");
    precheck_hint(list,
                  "start pgrmond on the others first, see \"pgrmon cluster show\"; "
                  "\"--force\" goes on all the same");
}

void membership_check(const struct cmd_context *context,
                      const struct nodeset *set,
                      int primary_id,
                      int leaving_id,
                      struct precheck *list)
{
    const struct cmd_line *line = &context->line;
    bool patient = !line->force && !line->dry_run && list->n_failed == 0;
    struct membership_count count;

    if (membership_voters(set, 0) == 0)
        return; /* the first node of all */
    await(set, primary_id, patient ? WAIT_MS : 0, &count);
    if (count.relies) {
        precheck_fail_unless(list, line->force, EXIT_CODE_BAD_CONFIG,
                             "the service is paused");
        precheck_detail(list, "the primary relies on the promises of the present "
                              "voters; with others it would need a majority at once");
        precheck_hint(list, "end the pause first: \"pgrmon service unpause\"");
    }
    if (!count.daemons)
        precheck_add(list, PRECHECK_NOTICE,
                     "no voter's pgrmond is running: nobody has to agree to the new "
                     "membership");
    else if (is_settled(&count))
        precheck_add(list, PRECHECK_OK,
                     "%d of %d voters have confirmed the present membership",
                     count.confirmed, count.n_voters);
    else if (count.confirmed < count.needed)
        tell_missing(set, &count, line->force, list);
    else
        tell_no_leader(line->force, list);
    check_rest(context, set, &count, leaving_id, list);
}

void membership_check_size(int n_voters, struct precheck *list)
{
    if (n_voters > 2 || list->n_failed > 0)
        return;
    precheck_add(list, PRECHECK_NOTICE, "%s from now on",
                 n_voters == 2 ? "two nodes vote" : "one node alone votes");
    precheck_detail(list, "%s",
                    n_voters == 2
                        ? "of two no majority survives the loss of one: a partition "
                          "between them can split the cluster"
                        : "there is nobody to fail over to");
    if (n_voters == 2)
        precheck_hint(list, "a third voter prevents that, such as a witness: it needs "
                            "no PostgreSQL, see \"pgrmon witness register --help\"");
}
