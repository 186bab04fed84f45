/* reason_explain.c - what `pgrmon cluster explain` says, for three in the morning. */
#include "core/reason_explain.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/reason_lease.h"

/* ---- names ------------------------------------------------------------------------
 */

/* Room for: node "name" (ID: 12345) */
struct who {
    char text[CORE_NAME_SIZE + 32];
};

static struct who who(const struct explain *explain, int id)
{
    const struct core_member *member = core_member(&explain->rehearsal.onlooker, id);
    struct who result;

    if (member == NULL)
        (void)snprintf(result.text, sizeof result.text, "node %d", id);
    else
        (void)snprintf(result.text, sizeof result.text, "node \"%s\" (ID: %d)",
                       member->name, id);
    return result;
}

static void PGRMON_PRINTF(2, 3) say(struct core_text *text, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text->text, sizeof text->text, fmt, args);
    va_end(args);
}

static void PGRMON_PRINTF(2, 3) hint(struct core_text *text, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text->hint, sizeof text->hint, fmt, args);
    va_end(args);
}

static void hint_daemon(struct core_text *text, const char *node)
{
    hint(text, "on %s: \"systemctl start pgrmond\", then \"journalctl -u pgrmond\"",
         node);
}

/* "12 bytes", "3 kB", "17 MB": as much as a decision needs. */
static const char *size_text(int64_t bytes, char buf[32])
{
    static const char units[][3] = {"kB", "MB", "GB", "TB"};
    int unit = -1;

    while (bytes >= INT64_C(10240) && unit < 3) {
        bytes /= 1024;
        unit++;
    }
    (void)snprintf(buf, 32, "%" PRId64 " %s", bytes, unit < 0 ? "bytes" : units[unit]);
    return buf;
}

/* "0.4 s", "11 s": of an estimate nobody needs more. */
static const char *time_text(int64_t ms, char buf[32])
{
    if (ms < 10000)
        (void)snprintf(buf, 32, "%" PRId64 ".%" PRId64 " s", ms / 1000,
                       ms % 1000 / 100);
    else
        (void)snprintf(buf, 32, "%" PRId64 " s", (ms + 500) / 1000);
    return buf;
}

/* ---- who leads, who supports it
 * ------------------------------------------------------ */

static void say_lease(const struct explain *explain,
                      const struct explain_finding *finding,
                      struct core_text *text)
{
    char left[32];
    struct who node = who(explain, finding->node_id);

    if (finding->why.b <= 1)
        say(text, "%s needs nobody else to stay writable", node.text);
    else if (finding->status == EXPLAIN_HOLDS)
        say(text,
            "%d of the voting nodes support it, %d must; without them it would "
            "stop writing in %s",
            finding->why.a, finding->why.b, time_text(finding->ms, left));
    else
        say(text, "%d of the voting nodes support it, %d must: it stops writing",
            finding->why.a, finding->why.b);
    if (finding->status == EXPLAIN_FAILS)
        hint(text,
             "start pgrmond on the voting nodes that give no sign, and look at the "
             "network between the nodes");
}

static void say_leader(const struct explain *explain,
                       const struct explain_finding *finding,
                       struct core_text *text)
{
    struct who node = who(explain, finding->node_id);

    switch (finding->kind) {
    case EXPLAIN_LEADS:
        say(text, "%s leads in term %" PRId64, node.text, finding->why.term);
        break;
    case EXPLAIN_NOBODY_LEADS:
        if (finding->node_id != 0)
            say(text, "nobody leads; %s is registered as the primary", node.text);
        else
            say(text, "nobody leads, and nobody is registered as an active primary");
        break;
    case EXPLAIN_RIVAL:
        say(text, "%s accepts writes, too, in term %" PRId64, node.text,
            finding->why.term);
        hint(text,
             "stop PostgreSQL on one of the two at once: \"pgrmon cluster show\"");
        break;
    case EXPLAIN_FROZEN:
        say(text, "%s has frozen its PostgreSQL: too few nodes supported it",
            node.text);
        break;
    case EXPLAIN_LEADER_ALONE:
        say(text, "the PostgreSQL of %s accepts writes, but its daemon gives no sign",
            node.text);
        hint_daemon(text, node.text);
        break;
    default:
        say_lease(explain, finding, text);
        break;
    }
}

static void say_support(const struct explain *explain,
                        const struct explain_finding *finding,
                        struct core_text *text)
{
    char time[32];
    struct who node = who(explain, finding->node_id);

    if (finding->kind == EXPLAIN_PROMISED)
        say(text, "%s still supports %s: for %s at most", node.text,
            who(explain, finding->other_id).text, time_text(finding->ms, time));
    else if (finding->kind == EXPLAIN_FREE)
        say(text, "%s supports nobody, and may vote", node.text);
    else if (finding->kind == EXPLAIN_NO_SUPPORT)
        say(text, "%s does not support it: its daemon has no fresh sign of it",
            node.text);
    else if (finding->ms >= 0)
        say(text, "%s supports it; its ballot was %s old", node.text,
            time_text(finding->ms, time));
    else
        say(text, "%s supports it; its ballot has not arrived", node.text);
}

static void say_voter(const struct explain *explain,
                      const struct explain_finding *finding,
                      struct core_text *text)
{
    struct who node = who(explain, finding->node_id);

    switch (finding->kind) {
    case EXPLAIN_NO_DAEMON:
        say(text,
            "no daemon of %s is seen anywhere: it supports nobody and cannot vote",
            node.text);
        hint_daemon(text, node.text);
        break;
    case EXPLAIN_LINGERS:
        say(text, "the daemon of %s has gone silent: what is left is an old note",
            node.text);
        hint_daemon(text, node.text);
        break;
    case EXPLAIN_VOICELESS:
        say(text, "%s has no voice: its state file is missing or damaged", node.text);
        hint(text, "%s", REASON_HINT_NO_STATE);
        break;
    case EXPLAIN_PAUSED:
        say(text, "%s granted a pause, and votes for nobody until it is over",
            node.text);
        hint(text, "%s", REASON_HINT_PAUSED);
        break;
    case EXPLAIN_RELIES:
        say(text, "%s relies on the pause: it needs no ballots until that is over",
            node.text);
        break;
    default:
        say_support(explain, finding, text);
        break;
    }
}

static void say_verdict(const struct explain *explain,
                        const struct explain_finding *finding,
                        struct core_text *text)
{
    char sentence[200];

    reason_sentence(&explain->rehearsal.onlooker, &finding->why, sentence,
                    sizeof sentence);
    say(text, "the daemon of %s %s: %s", who(explain, finding->node_id).text,
        finding->part == EXPLAIN_NOW ? "says" : "would say", sentence);
}

/* ---- what would come of it
 * ------------------------------------------------------------ */

static void say_winner(const struct explain *explain,
                       const struct explain_finding *finding,
                       struct core_text *text)
{
    char sentence[160];

    if (finding->status == EXPLAIN_HOLDS) {
        say(text, "%s would be promoted: %s", who(explain, finding->node_id).text,
            reason_rank_rule(finding->why.rule));
        return;
    }
    if (finding->why.reason == CORE_WHY_NO_CANDIDATE || finding->other_id == 0) {
        say(text, "nobody would be promoted: no node may be, see below");
        return;
    }
    reason_sentence(&explain->rehearsal.onlooker, &finding->why, sentence,
                    sizeof sentence);
    say(text, "nobody would be promoted; %s would say: %s",
        who(explain, finding->other_id).text, sentence);
}

static void say_loss(const struct explain_finding *finding, struct core_text *text)
{
    char size[32];

    if (finding->kind == EXPLAIN_COPIES)
        say(text,
            "nothing that was acknowledged would be lost: it is on %d other node%s",
            finding->why.a, finding->why.a == 1 ? "" : "s");
    else if (finding->bytes < 0)
        say(text, "how much would be lost is unknown: the end of its WAL is not known");
    else if (finding->bytes == 0)
        say(text, "nothing would be lost of what was there now; later writes may be: "
                  "replication is asynchronous");
    else
        say(text, "%s of WAL would be lost, as of now: replication is asynchronous",
            size_text(finding->bytes, size));
}

static void say_time(const struct explain *explain,
                     const struct explain_finding *finding,
                     struct core_text *text)
{
    char time[32];

    if (finding->kind == EXPLAIN_AT_ONCE && explain->leader_id == 0)
        say(text, "%s gave its term up: nobody waits for a time-out",
            who(explain, finding->node_id).text);
    else if (finding->kind == EXPLAIN_AT_ONCE)
        say(text, "its daemon would give the term up: nobody waits for a time-out");
    else if (explain->leader_id == 0)
        say(text, "within %s at most every promise to a former leader is over",
            time_text(finding->ms, time));
    else
        say(text, "the others would wait until their promises are over: %s at most",
            time_text(finding->ms, time));
}

static void say_outcome(const struct explain *explain,
                        const struct explain_finding *finding,
                        struct core_text *text)
{
    struct who node = who(explain, finding->node_id);

    switch (finding->kind) {
    case EXPLAIN_QUORUM:
        say(text,
            "%d of the %" PRId64 " voting nodes would be there to vote, %d are "
            "needed",
            finding->why.a, finding->why.term, finding->why.b);
        if (finding->status == EXPLAIN_FAILS)
            hint(text, "start pgrmond on the voting nodes that give no sign");
        break;
    case EXPLAIN_TWO_NODES:
        say(text, "one of two nodes is enough: cut off from each other, both would "
                  "accept writes");
        hint(text,
             "on a third host: \"pgrmon witness register\"; or set quorum = majority");
        break;
    case EXPLAIN_NO_BALLOTS:
        say(text, "%s would stand, and get %d of the %d ballots that it needs",
            node.text, finding->why.a, finding->why.b);
        break;
    case EXPLAIN_NO_REPORTS:
        say(text,
            "%s would stand, but it might lack an acknowledged commit: the WAL of %d "
            "would be known, that of %d must be",
            node.text, finding->why.a, finding->why.b);
        hint(text, "start the standbys that are down");
        break;
    case EXPLAIN_LOSS:
    case EXPLAIN_COPIES:
        say_loss(finding, text);
        break;
    case EXPLAIN_AT_ONCE:
    case EXPLAIN_WAIT:
        say_time(explain, finding, text);
        break;
    default:
        say_winner(explain, finding, text);
        break;
    }
}

/* ---- who may be promoted
 * ---------------------------------------------------------------- */

static void say_stands(const struct explain *explain,
                       const struct explain_finding *finding,
                       struct core_text *text)
{
    char behind[64] = "", size[32];

    if (finding->bytes == 0)
        (void)snprintf(behind, sizeof behind, ", level with the primary");
    else if (finding->bytes > 0)
        (void)snprintf(behind, sizeof behind, ", %s behind the primary",
                       size_text(finding->bytes, size));
    if (finding->other_id == 0)
        say(text, "%s may be promoted%s", who(explain, finding->node_id).text, behind);
    else
        say(text, "%s may be promoted%s; before %s: %s",
            who(explain, finding->node_id).text, behind,
            who(explain, finding->other_id).text, reason_rank_rule(finding->why.rule));
}

static void say_unfit(const struct explain *explain,
                      const struct explain_finding *finding,
                      struct core_text *text)
{
    struct who node = who(explain, finding->node_id);

    switch (finding->kind) {
    case EXPLAIN_ZERO:
        say(text, "%s would not stand: its priority is 0", node.text);
        hint(text, "on %s: set priority, then \"pgrmon standby register --force\"",
             node.text);
        break;
    case EXPLAIN_MANUAL:
        say(text,
            "%s would not stand: failover is \"manual\" there, or its last "
            "promotion failed",
            node.text);
        hint(text,
             "on %s: \"pgrmon config show\"; set failover = automatic, then "
             "\"systemctl reload pgrmond\"",
             node.text);
        break;
    case EXPLAIN_ABSENT:
        say(text, "%s would not stand: no sign of its daemon", node.text);
        hint_daemon(text, node.text);
        break;
    case EXPLAIN_NO_VOICE:
        say(text, "%s would not stand: it has no voice", node.text);
        hint(text, "%s", REASON_HINT_NO_STATE);
        break;
    case EXPLAIN_DOWN:
        say(text, "%s would not stand: its PostgreSQL does not answer (%s)", node.text,
            reach_name(finding->reach));
        hint(text, "see why with \"pgrmon cluster show --verbose\"; start it");
        break;
    case EXPLAIN_FOREIGN:
        say(text, "%s would not stand: its PostgreSQL is of another cluster",
            node.text);
        hint(text, "on %s: \"pgrmon standby clone --force\" from the primary",
             node.text);
        break;
    case EXPLAIN_WRITABLE:
        say(text, "%s would not stand: its PostgreSQL is no standby", node.text);
        break;
    default:
        say_stands(explain, finding, text);
        break;
    }
}

/* ---- all
 * --------------------------------------------------------------------------------- */

void reason_explain(const struct explain *explain,
                    const struct explain_finding *finding,
                    struct core_text *ret_text)
{
    *ret_text = (struct core_text){.level = CORE_LEVEL_INFO};
    if (finding->status == EXPLAIN_FAILS)
        ret_text->level = CORE_LEVEL_WARNING;
    else if (finding->status == EXPLAIN_UNKNOWN)
        ret_text->level = CORE_LEVEL_NOTICE;
    if (finding->kind == EXPLAIN_VERDICT)
        say_verdict(explain, finding, ret_text);
    else if (finding->kind <= EXPLAIN_LEADER_ALONE)
        say_leader(explain, finding, ret_text);
    else if (finding->part == EXPLAIN_NOW)
        say_voter(explain, finding, ret_text);
    else if (finding->part == EXPLAIN_NODES)
        say_unfit(explain, finding, ret_text);
    else
        say_outcome(explain, finding, ret_text);
}

void reason_explain_part(const struct explain *explain,
                         enum explain_part part,
                         char *buf,
                         unsigned long size)
{
    struct who leader = who(explain, explain->leader_id);

    switch (part) {
    case EXPLAIN_NOW:
        (void)snprintf(buf, size, "now");
        break;
    case EXPLAIN_CRASH:
        (void)snprintf(buf, size, "if the PostgreSQL of %s died now", leader.text);
        break;
    case EXPLAIN_HOST:
        (void)snprintf(buf, size, "if %s were lost now, host and daemon", leader.text);
        break;
    case EXPLAIN_ELECTION:
        (void)snprintf(buf, size, "the election of a new primary");
        break;
    case EXPLAIN_NODES:
        (void)snprintf(buf, size, "who may be promoted, the best first");
        break;
    }
}

static void conclude_calm(const struct explain *explain, struct core_text *text)
{
    struct who host = who(explain, explain->host_id);
    struct who crash = who(explain, explain->crash_id);

    if (explain->host_id != 0 && explain->succeeds)
        say(text, "if the primary died now, %s would be promoted",
            explain->crash_id != 0 ? crash.text : host.text);
    else if (explain->crash_id != 0)
        say(text,
            "if the PostgreSQL of the primary died now, %s would be promoted; if "
            "its host died, nobody",
            crash.text);
    else
        say(text, "if the primary died now, nobody would be promoted");
    if (explain->crash_id != 0 && explain->host_id != 0 &&
        explain->crash_id != explain->host_id)
        (void)snprintf(text->detail, sizeof text->detail, "if its host died, it is %s",
                       host.text);
}

void reason_explain_conclusion(const struct explain *explain,
                               struct core_text *ret_text)
{
    *ret_text = (struct core_text){.level = explain->succeeds ? CORE_LEVEL_INFO
                                                              : CORE_LEVEL_WARNING};
    for (int i = 0; i < explain->n; i++)
        if (explain->v[i].kind == EXPLAIN_RIVAL) {
            say(ret_text, "two nodes accept writes: stop one of them");
            return;
        }
    if (explain->leader_id != 0)
        conclude_calm(explain, ret_text);
    else if (explain->host_id != 0)
        say(ret_text, "there is no primary; %s is expected to be promoted",
            who(explain, explain->host_id).text);
    else
        say(ret_text, "there is no primary, and nobody can be promoted");
}
