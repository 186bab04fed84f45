/* config_issue.c - findings are collected, not printed: the operator sees all at once.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_private.h"
#include "conninfo.h"

/* More than this many findings help nobody. */
#define ISSUES_MAX 200

void config_issue_add(struct config_issues *issues,
                      enum config_severity severity,
                      const char *file,
                      int line,
                      const char *fmt,
                      ...)
{
    struct config_issue *issue;
    char *text;
    va_list args;

    issues->n_errors += severity == CONFIG_ERROR;
    if (issues->n == ISSUES_MAX)
        return;
    if (issues->items == NULL)
        issues->items = xcalloc(ISSUES_MAX, sizeof *issues->items);
    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        err_out_of_memory();
    va_end(args);
    issue = &issues->items[issues->n++];
    issue->severity = severity;
    issue->file = file == NULL ? NULL : xstrdup(file);
    issue->line = line;
    issue->text = conninfo_redact(text);
    free(text);
}

void config_issues_free(struct config_issues *issues)
{
    for (size_t i = 0; i < issues->n; i++) {
        free(issues->items[i].file);
        free(issues->items[i].text);
    }
    free(issues->items);
    *issues = (struct config_issues){0};
}

char *config_issue_text(const struct config_issue *issue)
{
    if (issue->file == NULL)
        return xstrdup(issue->text);
    if (issue->line == 0)
        return xasprintf("%s: %s", issue->file, issue->text);
    return xasprintf("%s:%d: %s", issue->file, issue->line, issue->text);
}
