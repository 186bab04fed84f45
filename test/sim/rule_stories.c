/* rule_stories.c - stories in which one rule is missed as soon as it is left out. */
#include "check.h"
#include "shell.h"
#include "sim.h"
#include "world.h"

const struct sim_scenario sim_rule_stories[] = {
    {NULL, NULL, NULL},
};
const int sim_n_rule_stories = 0;
