/* mono.h - points in monotonic time, which cannot be mixed up with wall-clock time.
 *
 * CLOCK_BOOTTIME in milliseconds: a suspended host counts the time it lost; it starts
 * again at a reboot (design.md section 2, postgres-facts 21). Wall-clock time is only
 * for people. This header is all that lib/core uses; mono_now() belongs to the shell.
 */
#ifndef PGRMON_MONO_H
#define PGRMON_MONO_H

#include <stdbool.h>
#include <stdint.h>

struct mono {
    int64_t ms;
};

/* Later than every real point in time: "no deadline". */
#define MONO_NEVER ((struct mono){INT64_MAX})

/* The present. Reads the clock: not for lib/core. */
struct mono mono_now(void);

/* `t` moved by `ms`, which may be negative; never overflows past MONO_NEVER. */
static inline struct mono mono_add(struct mono t, int64_t ms)
{
    if (ms > 0 && t.ms > INT64_MAX - ms)
        return MONO_NEVER;
    return (struct mono){t.ms + ms};
}

/* Milliseconds from `earlier` to `later`; negative when the order is the other way. */
static inline int64_t mono_diff(struct mono later, struct mono earlier)
{
    return later.ms - earlier.ms;
}

/* True when `deadline` has come at `now`. */
static inline bool mono_reached(struct mono deadline, struct mono now)
{
    return now.ms >= deadline.ms;
}

/* The earlier of the two. */
static inline struct mono mono_min(struct mono a, struct mono b)
{
    return a.ms <= b.ms ? a : b;
}

#endif
