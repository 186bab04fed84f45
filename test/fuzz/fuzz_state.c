/* fuzz_state.c - any text as a state file. The checksum is put right first, or nothing
 * would come past it; what is accepted then is written back byte by byte. */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "crc32c.h"
#include "state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECKSUM "checksum = "

static void check(const char *text)
{
    struct state state CLEANUP(state_free) = STATE_INIT;
    struct err err = ERR_INIT;
    char *again CLEANUP(cleanup_free) = NULL;
    int rc = state_parse(text, &state, &err);

    if (rc != 0 && (rc != STATE_E_DAMAGED || err.text[0] == '\0'))
        abort();
    if (rc != 0)
        return;
    again = state_format(&state);
    if (strcmp(again, text) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text CLEANUP(cleanup_free) = xcalloc(size + 32, 1);
    char *end;

    if (size > 0)
        (void)memcpy(text, data, size);
    check(text);
    end = strstr(text, CHECKSUM);
    if (end == NULL)
        end = text + strlen(text);
    (void)sprintf(end, CHECKSUM "%08" PRIx32 "\n", crc32c(text, (size_t)(end - text)));
    check(text);
    return 0;
}
