/* placeholder.h - %n and friends in commands, in a way that no value can become code.
 *
 * repmgr's placeholders: %n node id, %e event, %s 1 or 0, %t time stamp, %d details,
 * %a node name, %c conninfo, %p node id of the other party, %% a percent sign. repmgr
 * pastes the values into the command line. Here a placeholder becomes a reference to a
 * variable, quoted to fit its place:
 *
 *   notify %e "%d" 'at %t'
 *   notify "${PGRMON_EVENT}" "${PGRMON_EVENT_DETAILS}" 'at
 * '"${PGRMON_EVENT_TIMESTAMP}"''
 *
 * so that the shell never parses a value, and `ps` does not show it. Only a second
 * shell within the command (sh -c "... %d", eval, ssh) would parse values: there, or in
 * a script, use the variables themselves. */
#ifndef PGRMON_PLACEHOLDER_H
#define PGRMON_PLACEHOLDER_H

#include "err.h"

/* One placeholder and its value (NULL = ""). The letter is one of those above. */
struct placeholder {
    char letter;
    const char *value;
};

/* Rewrite `template_text` for /bin/sh -c. `values` ends with letter '\0'. What is none
 * of these letters stays as it is (`date +%H` works, as in repmgr), and so does what
 * follows a backslash. Returns 0 with `*ret_command` on the heap, or -EINVAL naming the
 * quote that is not closed, or the placeholder within `...`, where no quoting is safe.
 */
int placeholder_expand(const char *template_text,
                       const struct placeholder *values,
                       char **ret_command,
                       struct err *err) PGRMON_MUST_CHECK;

/* The variables that the command refers to, one for each of `values`: PGRMON_EVENT (%e)
 * and PGRMON_EVENT_SUCCESSFUL, _TIMESTAMP, _DETAILS, _NODE_ID, _NODE_NAME, _CONNINFO,
 * _PARTY_ID; "NAME=value", NULL at the end, to be run with. placeholder_env_free(). */
char **placeholder_env(const struct placeholder *values);
void placeholder_env_free(char **env);

#endif
