/* placeholder.h - %n and friends in commands, expanded so that no value can become
 * code.
 *
 * repmgr's placeholders: %n node id, %e event, %s 1 or 0, %t time stamp, %d details,
 * %a node name, %c conninfo, %p node id of the other party, %% a percent sign. Where
 * the placeholder stands unquoted its value is put in single quotes; inside the
 * template's own quotes it is escaped to fit; so `$`, backticks, quotes and newlines in
 * a value stay text. Others of the form %x are an error. */
#ifndef PGRMOND_PLACEHOLDER_H
#define PGRMOND_PLACEHOLDER_H

#include "err.h"

/* One placeholder and its value (NULL = ""). */
struct placeholder {
    char letter;
    const char *value;
};

/* Expand `template_text` for /bin/sh -c. `values` ends with letter '\0'. Returns 0 with
 * `*ret_command` on the heap, or -EINVAL naming the unknown placeholder or the quote
 * that is not closed. */
int placeholder_expand(const char *template_text,
                       const struct placeholder *values,
                       char **ret_command,
                       struct err *err) PGRMON_MUST_CHECK;

#endif
