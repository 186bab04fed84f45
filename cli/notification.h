/* notification.h - event_notification_command for events that the CLI records. */
#ifndef PGRMON_NOTIFICATION_H
#define PGRMON_NOTIFICATION_H

#include "cmd.h"

/* Run event_notification_command if the configuration has one and wants `event`, and
 * wait for its end, at most event_notification_timeout. Failures are warnings. */
void notification_run(const struct cmd_context *context,
                      int node_id,
                      const char *event,
                      bool successful,
                      const char *timestamp,
                      const char *details);

#endif
