/* fuzz_walend.c - any text as pg_waldump's output: an end lies behind its record. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "walend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct walend_layout layout = {8192, UINT64_C(16) << 20};
    char *text CLEANUP(cleanup_free) = xcalloc(size + 1, 1);
    const char *const names[] = {text, NULL};
    struct lsn start = LSN_UNKNOWN, end = LSN_UNKNOWN;

    if (size > 0)
        (void)memcpy(text, data, size);
    (void)walend_last_record(text, &layout, &start);
    if (walend_record_end(text, &layout, &end) == 0 && !lsn_known(end))
        abort();
    (void)walend_timeline(names, &layout, start);
    return 0;
}
