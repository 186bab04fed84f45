/* reason_explain_name.c - the words of an explanation for programs. */
#include "core/reason_explain.h"

const char *reason_explain_name(enum explain_kind kind)
{
    static const char names[][16] = {
        [EXPLAIN_LEADS] = "leads",
        [EXPLAIN_NOBODY_LEADS] = "nobody_leads",
        [EXPLAIN_RIVAL] = "rival",
        [EXPLAIN_LEASE] = "lease",
        [EXPLAIN_FROZEN] = "frozen",
        [EXPLAIN_LEADER_ALONE] = "leader_alone",
        [EXPLAIN_SUPPORTS] = "supports",
        [EXPLAIN_NO_SUPPORT] = "no_support",
        [EXPLAIN_FREE] = "free",
        [EXPLAIN_PROMISED] = "promised",
        [EXPLAIN_NO_DAEMON] = "no_daemon",
        [EXPLAIN_LINGERS] = "lingers",
        [EXPLAIN_VOICELESS] = "voiceless",
        [EXPLAIN_PAUSED] = "paused",
        [EXPLAIN_RELIES] = "relies",
        [EXPLAIN_VERDICT] = "verdict",
        [EXPLAIN_AT_ONCE] = "at_once",
        [EXPLAIN_WAIT] = "wait",
        [EXPLAIN_QUORUM] = "quorum",
        [EXPLAIN_TWO_NODES] = "two_nodes",
        [EXPLAIN_WINNER] = "winner",
        [EXPLAIN_NO_BALLOTS] = "no_ballots",
        [EXPLAIN_NO_REPORTS] = "no_reports",
        [EXPLAIN_LOSS] = "loss",
        [EXPLAIN_COPIES] = "copies",
        [EXPLAIN_STANDS] = "stands",
        [EXPLAIN_ZERO] = "priority_zero",
        [EXPLAIN_MANUAL] = "manual",
        [EXPLAIN_ABSENT] = "absent",
        [EXPLAIN_NO_VOICE] = "no_voice",
        [EXPLAIN_DOWN] = "down",
        [EXPLAIN_FOREIGN] = "foreign",
        [EXPLAIN_WRITABLE] = "writable",
    };

    return names[kind];
}

const char *reason_explain_part_name(enum explain_part part)
{
    static const char names[][16] = {
        [EXPLAIN_NOW] = "now",     [EXPLAIN_CRASH] = "crash",
        [EXPLAIN_HOST] = "host",   [EXPLAIN_ELECTION] = "election",
        [EXPLAIN_NODES] = "nodes",
    };

    return names[part];
}

const char *reason_explain_status(enum explain_status status)
{
    static const char names[][16] = {
        [EXPLAIN_HOLDS] = "holds",
        [EXPLAIN_FAILS] = "fails",
        [EXPLAIN_UNKNOWN] = "unknown",
    };

    return names[status];
}
