/* sql_embedded.h - the files of sql/, put into the program by sql/CMakeLists.txt. */
#ifndef PGRMON_SQL_EMBEDDED_H
#define PGRMON_SQL_EMBEDDED_H

/* One step of an upgrade: the text that takes the schema from one version to the next. */
struct sql_upgrade {
    int from, to;
    const char *text;
};

/* schema.sql, functions.sql and views.sql, one after the other. */
extern const char sql_create[];

/* upgrade-<from>-<to>.sql in order, each followed by functions.sql and views.sql; ended
 * by a NULL text. */
extern const struct sql_upgrade sql_upgrades[];

#endif
