/* trace.c - the transcript: virtual milliseconds, node, and the core's own words. */
#include <stdarg.h>

#include "core/reason.h"
#include "sim.h"

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

/* Probes are left out: there are too many, and they decide nothing. */
void trace_effect(struct sim *sim,
                  const struct sim_node *node,
                  const struct core_effect *effect)
{
    FILE *to = sim->trace;

    if (to == NULL || effect->kind == CORE_EFF_WATCH || effect->kind == CORE_EFF_PROBE)
        return;
    stamp(sim, node->settings.self_name);
    switch (effect->kind) {
    case CORE_EFF_WATCH:
    case CORE_EFF_PROBE:
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
        fprintf(to, "=> record the term\n");
        break;
    case CORE_EFF_NOTE:
        fprintf(to, "=> note: %s, leader %d, term %lld\n",
                phase_name(effect->note.phase), effect->note.leader_id,
                (long long)effect->note.term);
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
                "%lld ms\n",
                settings->self_name, node->registered_upstream, node->priority,
                settings->failover == CORE_FAILOVER_MANUAL ? "manual" : "automatic",
                settings->reconnect_attempts,
                (long long)settings->reconnect_interval_ms,
                (long long)settings->beat_ms);
    }
}
