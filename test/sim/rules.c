/* rules.c - which rules of lib/core are left out. */
#include "rules.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

bool rule_is_out[N_RULES];

static const struct {
    const char *symbol; /* "V1_PROMISE" */
    const char *missed; /* what is said before `about` */
    const char *about;
} rules[] = {
#define FOUND(name, about)          {#name, "", about},
#define TOLD(name, about)           {#name, "", about},
#define SPARE(name, others, reason) {#name, "not missed: ", reason},
#include "rules.def"
#undef FOUND
#undef TOLD
#undef SPARE
};

/* "V1_PROMISE" is called "V1.promise", as docs/failover-rules.md has it. */
static void name_of(const char *symbol, char *ret, size_t size)
{
    size_t i = 0;

    for (; symbol[i] != '\0' && i + 1 < size; i++)
        ret[i] = symbol[i] == '_' ? '.' : (char)tolower((unsigned char)symbol[i]);
    ret[i] = '\0';
    ret[0] = symbol[0];
}

bool rule_leave_out(const char *name)
{
    char own[64];

    for (int i = 0; i < N_RULES; i++) {
        name_of(rules[i].symbol, own, sizeof own);
        if (strcmp(own, name) != 0)
            continue;
        rule_is_out[i] = true;
        return true;
    }
    return false;
}

void rule_suspend(bool suspended)
{
    static bool kept[N_RULES];

    if (suspended) {
        memcpy(kept, rule_is_out, sizeof kept);
        memset(rule_is_out, 0, sizeof rule_is_out);
    } else {
        memcpy(rule_is_out, kept, sizeof kept);
    }
}

void rule_list(void)
{
    char name[64];

    for (int i = 0; i < N_RULES; i++) {
        name_of(rules[i].symbol, name, sizeof name);
        printf("%-16s %s%s\n", name, rules[i].missed, rules[i].about);
    }
}
