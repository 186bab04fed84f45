/* cleanup.h - release at the end of the scope (gcc and clang's cleanup attribute). */
#ifndef PGRMON_CLEANUP_H
#define PGRMON_CLEANUP_H

#include <stdlib.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* char *text CLEANUP(cleanup_free) = NULL; works for a pointer of any type. */
static inline void cleanup_free(void *pointer_to_pointer)
{
    free(*(void **)pointer_to_pointer);
}

#endif
