/* trace.c - the transcript: virtual milliseconds, node, and the core's own words. */
#include <stdarg.h>

#include "check.h"
#include "core/reason.h"

static void stamp(struct sim *sim, const char *who)
{
    fprintf(sim->trace, "%8lld %-6s ", (long long)sim->now.ms, who);
}

void trace_world(struct sim *sim, const char *fmt, ...)
{
    va_list args;

    if (sim->trace == NULL)
        return;
    stamp(sim, "*");
    va_start(args, fmt);
    vfprintf(sim->trace, fmt, args);
    va_end(args);
    fputc('\n', sim->trace);
}

void sim_say(struct sim *sim, const char *fmt, ...)
{
    va_list args;

    if (sim->trace == NULL)
        return;
    fputs("--- ", sim->trace);
    va_start(args, fmt);
    vfprintf(sim->trace, fmt, args);
    va_end(args);
    fputc('\n', sim->trace);
}

static const char *phase_name(enum core_phase phase)
{
    switch (phase) {
    case CORE_PHASE_NONE:
        return "none";
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
    return "?";
}

static const char *level_name(enum core_level level)
{
    switch (level) {
    case CORE_LEVEL_DEBUG:
        return "DEBUG";
    case CORE_LEVEL_INFO:
        return "INFO";
    case CORE_LEVEL_NOTICE:
        return "NOTICE";
    case CORE_LEVEL_WARNING:
        return "WARNING";
    case CORE_LEVEL_ERROR:
        return "ERROR";
    }
    return "?";
}

static void trace_words(struct sim *sim,
                        const struct sim_node *node,
                        const struct core_effect *effect)
{
    struct core_text words;

    reason_say(&node->daemon.core, effect, &words);
    fprintf(sim->trace, "%s: %s\n", level_name(words.level), words.text);
    if (words.detail[0] != '\0')
        fprintf(sim->trace, "%16s DETAIL: %s\n", "", words.detail);
    if (words.hint[0] != '\0')
        fprintf(sim->trace, "%16s HINT: %s\n", "", words.hint);
}

static const char *duty_name(enum core_duty duty)
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
    return "?";
}

static void trace_save(FILE *to, const struct core_durable *durable)
{
    fprintf(to, "=> write: term %lld to node %d, %s", (long long)durable->term,
            durable->leader_id, duty_name(durable->duty));
    if (durable->duty == CORE_DUTY_LEADING && durable->lead_term != durable->term)
        fprintf(to, ", leads term %lld", (long long)durable->lead_term);
    if (durable->copies > 0 && durable->copies != CORE_COPIES_UNKNOWN)
        fprintf(to, ", k = %d", durable->copies);
    if (durable->pause_ms > 0)
        fprintf(to, ", pause %lld of %lld ms", (long long)durable->pause_version,
                (long long)durable->pause_ms);
    if (durable->relied_until.ms > 0)
        fprintf(to, ", relies on it until %lld", (long long)durable->relied_until.ms);
    fprintf(to, "%s%s%s\n", durable->armed ? ", armed" : "",
            durable->rested ? ", rested" : "", durable->revoked ? ", revoked" : "");
}

static void trace_note(FILE *to, const struct core_note *note)
{
    fprintf(to, "=> note: %s, leader %d, term %lld", phase_name(note->phase),
            note->leader_id, (long long)note->term);
    if (note->report.known)
        fprintf(to, ", WAL of term %lld to %llX", (long long)note->report.term,
                (unsigned long long)note->report.position.pos);
    else if (note->report.coming)
        fprintf(to, ", WAL coming");
    if (note->pause_version > 0)
        fprintf(to, ", pause %lld%s", (long long)note->pause_version,
                note->paused ? "" : " is over");
    fprintf(to, "%s%s%s\n", note->relies ? ", relies on it" : "",
            note->frozen ? ", frozen" : "", note->voiceless ? ", voiceless" : "");
}

static bool is_silent(enum core_effect_kind kind)
{
    return kind == CORE_EFF_RAISE || kind == CORE_EFF_WATCH || kind == CORE_EFF_PROBE ||
           kind == CORE_EFF_LEASE;
}

/* Probes and the lease's deadlines are left out: there are too many, and they decide
 * nothing. */
void trace_effect(struct sim *sim,
                  const struct sim_node *node,
                  const struct core_effect *effect)
{
    FILE *to = sim->trace;

    if (to == NULL || is_silent(effect->kind))
        return;
    stamp(sim, node->settings.self_name);
    switch (effect->kind) {
    case CORE_EFF_WATCH:
    case CORE_EFF_PROBE:
    case CORE_EFF_LEASE:
    case CORE_EFF_RAISE:
        break;
    case CORE_EFF_PROMOTE:
        fprintf(to, "=> promote this node, within %lld ms\n",
                (long long)effect->deadline_ms);
        break;
    case CORE_EFF_FOLLOW:
        fprintf(to, "=> follow node %d, within %lld ms\n", effect->node_id,
                (long long)effect->deadline_ms);
        break;
    case CORE_EFF_LEAD:
        fprintf(to, "=> record term %lld\n", (long long)effect->term);
        break;
    case CORE_EFF_NOTE:
        trace_note(to, &effect->note);
        break;
    case CORE_EFF_SAVE:
        trace_save(to, &effect->durable);
        break;
    case CORE_EFF_FREEZE:
        fprintf(to, "=> freeze PostgreSQL\n");
        break;
    case CORE_EFF_THAW:
        fprintf(to, "=> let PostgreSQL go on\n");
        break;
    case CORE_EFF_KILL:
        fprintf(to, "=> end PostgreSQL\n");
        break;
    case CORE_EFF_START_PG:
        fprintf(to, "=> start PostgreSQL, read-only\n");
        break;
    case CORE_EFF_REVOKE:
        fprintf(to, "=> cut PostgreSQL off from its upstream\n");
        break;
    case CORE_EFF_EVENT:
        fprintf(to, "=> event: %s%s\n", reason_record_name(effect->record),
                effect->successful ? "" : " (failed)");
        break;
    case CORE_EFF_ENTER:
    case CORE_EFF_REPORT:
        trace_words(sim, node, effect);
        break;
    }
}

static bool is_unfenced(const struct core_settings *settings)
{
    return settings->fencing == CORE_FENCING_OFF || settings->keep_on_quorum_loss ||
           settings->keep_on_daemon_loss;
}

void trace_start(struct sim *sim)
{
    if (sim->trace == NULL)
        return;
    for (int id = 1; id <= sim->n; id++) {
        const struct sim_node *node = &sim->nodes[id];
        const struct core_settings *settings = &node->settings;

        if (node->id == 0)
            continue;
        fprintf(sim->trace,
                "%s: upstream %d, priority %d, failover %s, window %d x %lld ms, beat "
                "%lld ms%s%s\n",
                settings->self_name, node->registered_upstream, node->priority,
                settings->failover == CORE_FAILOVER_MANUAL ? "manual" : "automatic",
                settings->reconnect_attempts,
                (long long)settings->reconnect_interval_ms,
                (long long)settings->beat_ms, settings->witness ? ", witness" : "",
                is_unfenced(settings) ? ", not fenced" : "");
    }
}
