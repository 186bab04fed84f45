/* fence_private.h - shared by the fence*.c files only. */
#ifndef PGRMON_FENCE_PRIVATE_H
#define PGRMON_FENCE_PRIVATE_H

#include "fence.h"

/* Look at all processes and mark the members (rules M1 to M5 of fence.h), which are
 * remembered. 0 or -errno. */
int fence_scan(struct fence *fence, struct err *err) PGRMON_MUST_CHECK;

/* fence_learn() for those who act: 0, or -errno when nothing is known at all. */
int fence_refresh(struct fence *fence, struct err *err) PGRMON_MUST_CHECK;

/* True when it is the remembered postmaster. */
bool fence_is_postmaster(const struct fence *fence, const struct proc *proc);

/* Processes attached to the remembered segments, whether we see them or not. */
unsigned long fence_attached(const struct fence *fence);

#endif
