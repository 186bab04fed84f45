/* unit.h - cmocka, with what its header needs, in the order it needs it. */
#ifndef PGRMON_UNIT_H
#define PGRMON_UNIT_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#define N_OF(array) (sizeof(array) / sizeof *(array))

#endif
