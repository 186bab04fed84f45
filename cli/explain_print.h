/* explain_print.h - the presentations of an explanation (core/explain.h). */
#ifndef PGRMON_EXPLAIN_PRINT_H
#define PGRMON_EXPLAIN_PRINT_H

#include <stdio.h>

#include "core/explain.h"

/* For people: the answer, then the findings by part. `node_id` not 0: of each single
 * node only that one. `hints`: with a HINT below what can be mended. */
void explain_print_text(const struct explain *explain,
                        int node_id,
                        bool hints,
                        FILE *out);

/* For programs: everything, see docs/json.md. */
void explain_print_json(const struct explain *explain, FILE *out);

#endif
