/* explain_nodes.h - the part of an explanation that ranks the nodes. Pure. */
#ifndef PGRMON_CORE_EXPLAIN_NODES_H
#define PGRMON_CORE_EXPLAIN_NODES_H

#include "core/explain.h"

/* Append a finding without numbers; it may be filled in until the next one. */
struct explain_finding *explain_add(struct explain *explain,
                                    enum explain_part part,
                                    enum explain_kind kind,
                                    enum explain_status status,
                                    const char *rule,
                                    int node_id);

/* Bytes from `position` to the end of the leader's WAL; -1 when one is unknown. */
int64_t explain_bytes_behind(const struct explain *explain, struct lsn position);

/* Append EXPLAIN_NODES: all but the leader and witnesses. */
void explain_nodes(struct explain *explain);

#endif
