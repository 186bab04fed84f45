/* schema.h - the texts that create and upgrade schema `pgrmon`.
 *
 * None of them begins or ends a transaction: the caller runs BEGIN, the text(s) and COMMIT
 * with query_exec(), so that everything is there or nothing is. The version they lead to
 * is QUERY_SCHEMA_VERSION (queries.h). */
#ifndef PGRMON_SCHEMA_H
#define PGRMON_SCHEMA_H

#include "sql_embedded.h"

/* Creates the schema; fails with 42P06 when it exists. */
const char *schema_create_text(void);

/* The steps from version `from` to the present one, in order, ended by an entry whose text
 * is NULL: run them in one transaction. No step when `from` is the present version. NULL
 * when there is no way from there (a newer schema, or no such version). */
const struct sql_upgrade *schema_upgrades(int from);

/* The same within another list that ends at version `to`; for the test. */
const struct sql_upgrade *
schema_upgrades_in(const struct sql_upgrade *list, int from, int to);

#endif
