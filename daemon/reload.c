/* reload.c - the configuration's way into the daemon. */
#include "reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "durable.h"
#include "fencing.h"
#include "guarding.h"
#include "log.h"
#include "notify.h"

static enum core_check core_check(enum config_connection_check check)
{
    switch (check) {
    case CONFIG_CHECK_PING:
        return CORE_CHECK_PING;
    case CONFIG_CHECK_CONNECTION:
        return CORE_CHECK_CONNECTION;
    case CONFIG_CHECK_QUERY:
        return CORE_CHECK_QUERY;
    }
    return CORE_CHECK_PING;
}

static enum core_fencing core_fencing(const struct daemon *daemon)
{
    if (!fencing_is_possible(daemon))
        return CORE_FENCING_OFF;
    switch (daemon->config.fencing) {
    case CONFIG_FENCING_FREEZE:
        return CORE_FENCING_FREEZE;
    case CONFIG_FENCING_STOP:
        return CORE_FENCING_STOP;
    case CONFIG_FENCING_OFF:
        return CORE_FENCING_OFF;
    }
    return CORE_FENCING_OFF;
}

/* How often the own board is read while a leader is being chosen. */
#define HOT_MS 10

struct core_settings daemon_core_settings(const struct daemon *daemon)
{
    const struct config *config = &daemon->config;
    struct core_settings settings = {
        .self_id = config->node_id,
        .witness = config->type == CONFIG_NODE_WITNESS,
        .failover = config->failover == CONFIG_FAILOVER_AUTOMATIC
                        ? CORE_FAILOVER_AUTOMATIC
                        : CORE_FAILOVER_MANUAL,
        .quorum = config->quorum == CONFIG_QUORUM_MAJORITY ? CORE_QUORUM_MAJORITY
                                                           : CORE_QUORUM_AUTO,
        .check = core_check(config->connection_check_type),
        .reconnect_attempts = config->reconnect_attempts,
        .reconnect_interval_ms = config->reconnect_interval_ms,
        .beat_ms = config_beat_ms(config),
        .startup_patience_ms = config->startup_patience_ms,
        .promote_deadline_ms = config->promote_check_timeout_ms,
        .follow_deadline_ms = config->standby_follow_timeout_ms,
        .status_interval_ms = config->log_status_interval_ms,
        .hot_ms = HOT_MS,
        .fencing = core_fencing(daemon),
        .keep_on_quorum_loss =
            config->primary_on_quorum_loss == CONFIG_QUORUM_LOSS_CONTINUE,
        .keep_on_daemon_loss = config->on_daemon_loss == CONFIG_DAEMON_LOSS_KEEP,
        .restart_on_crash = config->crash_action == CONFIG_CRASH_RESTART,
        .boot = durable_boot_bits(),
    };

    (void)snprintf(settings.self_name, sizeof settings.self_name, "%s",
                   config->node_name);
    return settings;
}

int reload_open_log(const struct config *config, const char *level, struct err *err)
{
    struct log_options options = {.style = LOG_STYLE_DAEMON,
                                  .sink = LOG_SINK_STDERR,
                                  .level = config->log_level,
                                  .ident = "pgrmond",
                                  .node_id = config->node_id,
                                  .node_name = config->node_name};

    if (config->log_file[0] != '\0') {
        options.sink = LOG_SINK_FILE;
        options.file = config->log_file;
    } else if (config->log_facility == CONFIG_LOG_JOURNAL) {
        options.sink = LOG_SINK_JOURNAL;
    } else if (config->log_facility != CONFIG_LOG_STDERR) {
        options.sink = LOG_SINK_SYSLOG;
        options.syslog_facility = config_syslog_facility(config);
    }
    if (level != NULL)
        (void)log_level_parse(level, &options.level);
    return log_open(&options, err);
}

void reload_log_issues(const struct config *config)
{
    for (size_t i = 0; i < config->issues.n; i++) {
        const struct config_issue *issue = &config->issues.items[i];
        char *text = config_issue_text(issue);

        if (issue->severity == CONFIG_WARNING)
            log_warning("%s", text);
        else if (issue->severity == CONFIG_INFO)
            log_info("%s", text);
        free(text);
    }
}

/* What a reload changed, and what it could not. */
static void say_changes(const struct config_changes *changes)
{
    for (size_t i = 0; i < changes->n_changed; i++)
        log_notice("setting \"%s\" changed", changes->changed[i]);
    for (size_t i = 0; i < changes->n_needs_restart; i++) {
        log_warning("setting \"%s\" cannot be changed while pgrmond runs",
                    changes->needs_restart[i]);
        log_hint(
            LOG_LEVEL_WARNING,
            "restart pgrmond; if the node's record is concerned, register it again "
            "with --force");
    }
    if (changes->n_changed + changes->n_needs_restart == 0)
        log_info("the configuration did not change");
}

void reload_config(struct daemon *daemon)
{
    struct config next;
    struct config_changes changes;
    struct core_event event = {.kind = CORE_EV_SETTINGS};
    struct err err = ERR_INIT;

    log_notice("SIGHUP received, reading the configuration again");
    notify_reloading();
    if (log_reopen(&err) < 0)
        log_err(LOG_LEVEL_WARNING, &err);
    /* The path that was found at the start: we may have changed the directory since. */
    if (config_load(&next, daemon->config.file[0] != '\0' ? daemon->config.file : NULL,
                    &err) < 0) {
        log_err(LOG_LEVEL_ERROR, &err);
        log_hint(LOG_LEVEL_ERROR,
                 "nothing was changed; see \"pgrmon config check\", then reload again");
        config_free(&next);
        notify_ready();
        return;
    }
    reload_log_issues(&next);
    config_reload(&daemon->config, &next, &changes);
    say_changes(&changes);
    config_changes_deinit(&changes);
    config_free(&next);
    if (reload_open_log(&daemon->config, daemon->log_level, &err) < 0)
        log_err(LOG_LEVEL_WARNING, &err);
    event.settings = daemon_core_settings(daemon);
    daemon_feed(daemon, &event);
    guarding_check(daemon->guarding);
    record_event(daemon, "pgrmond_reload", true, 0, "configuration read again");
    notify_ready();
}
