#include "sim.h"
const struct sim_scenario sim_scenarios[] = {
    {"none", "none", NULL}
};
const int sim_n_scenarios = 0;
