/* trap.c - CORE_ASSERT traps: a finding like any other, so the transcript is shown. */
#include <setjmp.h>
#include <signal.h>

#include "check.h"
#include "sim.h"

static sigjmp_buf trapped;

static void on_trap(int signal)
{
    (void)signal;
    siglongjmp(trapped, 1);
}

void trap_assertions(void)
{
    (void)signal(SIGILL, on_trap);
}

void trap_play(struct sim *sim, void (*play)(struct sim *sim))
{
    if (sigsetjmp(trapped, 1) == 0)
        play(sim);
    else
        sim_trapped(sim);
}
