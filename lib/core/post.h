/* post.h - what this daemon says of itself (rule N1). Pure. */
#ifndef PGRMON_CORE_POST_H
#define PGRMON_CORE_POST_H

#include "core/internal.h"

/* The content of our note, without stamps. */
struct core_note post_note(const struct core *core);

/* True when two notes say the same: stamps aside. */
bool post_is_same(const struct core_note *a, const struct core_note *b);

#endif
