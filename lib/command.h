/* command.h - the commands an operator configures, made ready for /bin/sh -c.
 *
 * event_notification_command, promote_command and follow_command take repmgr's
 * placeholders; the values travel in the environment (placeholder.h). Conninfos come
 * without their passwords. */
#ifndef PGRMON_COMMAND_H
#define PGRMON_COMMAND_H

#include "config.h"
#include "err.h"

/* A command and the environment to run it with; release with command_deinit(). */
struct command {
    char *shell;
    char **env; /* "NAME=value", NULL-terminated */
};

#define COMMAND_NULL                                                                   \
    {                                                                                  \
        0                                                                              \
    }

/* What happened. Strings may be NULL, which is empty. */
struct command_event {
    int node_id; /* whose event it is: %n */
    const char *event;
    bool successful;
    const char *timestamp;
    const char *details;
    int other_id; /* the other party, 0 = none: %p %a %c */
    const char *other_name;
    const char *other_conninfo;
};

/* event_notification_command for `event`. Returns 0; 1 when none is configured or
 * event_notifications leaves this event out (nothing to release then); -EINVAL when the
 * command's placeholders are wrong. */
int command_for_event(const struct config *config,
                      const struct command_event *event,
                      struct command *ret,
                      struct err *err) PGRMON_MUST_CHECK;

/* promote_command or follow_command, given as `text`; %n, %a and %c are of the node to
 * be promoted or followed. Returns 0 or -EINVAL. */
int command_for_node(const char *text,
                     int node_id,
                     const char *name,
                     const char *conninfo,
                     struct command *ret,
                     struct err *err) PGRMON_MUST_CHECK;

/* Works as a cleanup attribute. */
void command_deinit(struct command *command);

#endif
