/* rules.h - the rules of lib/core, each of which can be left out to see that it is
 * missed: sim --without L4.frozen (list: sim --rules). */
#ifndef PGRMON_SIM_RULES_H
#define PGRMON_SIM_RULES_H

#include <stdbool.h>

enum rule {
#define FOUND(name, about)          RULE_##name,
#define TOLD(name, about)           RULE_##name,
#define SPARE(name, others, reason) RULE_##name,
#include "rules.def"
#undef FOUND
#undef TOLD
#undef SPARE
    N_RULES
};

/* What CORE_RULE() looks at. Only rule_leave_out() writes it. */
extern bool rule_is_out[N_RULES];

/* Leave out the rule called `name` ("V1.promise") in all that is played from here on.
 * False when there is none. */
bool rule_leave_out(const char *name);

/* All rules hold (or what was left out is out) again: what a story should come to. */
void rule_suspend(bool suspended);

/* One line for each rule on stdout. */
void rule_list(void);

#endif
