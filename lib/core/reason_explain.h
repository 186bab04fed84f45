/* reason_explain.h - the sentences of `pgrmon cluster explain`. Pure. */
#ifndef PGRMON_CORE_REASON_EXPLAIN_H
#define PGRMON_CORE_REASON_EXPLAIN_H

#include "core/explain.h"
#include "core/reason.h"

/* One finding: its sentence, and a HINT where something can be mended. The level is
 * INFO where it holds, WARNING where it fails, NOTICE where it is unknown. */
void reason_explain(const struct explain *explain,
                    const struct explain_finding *finding,
                    struct core_text *ret_text);

/* The answer in one sentence. */
void reason_explain_conclusion(const struct explain *explain,
                               struct core_text *ret_text);

/* The heading of a part: "if the PostgreSQL of node "node1" (ID: 1) died now". */
void reason_explain_part(const struct explain *explain,
                         enum explain_part part,
                         char *buf,
                         unsigned long size);

/* Words for programs: "lease", "crash", "holds". */
const char *reason_explain_name(enum explain_kind kind);
const char *reason_explain_part_name(enum explain_part part);
const char *reason_explain_status(enum explain_status status);

#endif
