/* fuzz_conninfo.c - any text as a connection string: what is built means the same, and
 * no password is left by the redaction. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "conninfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* True when the password shows up nowhere but as the password, so that finding it in
 * the redacted text means that it leaked. */
static bool is_unmistakable(const char *text, const char *password)
{
    const char *first = strstr(text, password);

    return strlen(password) >= 4 && strchr(password, '*') == NULL && first != NULL &&
           strstr(first + 1, password) == NULL;
}

static void check_redaction(const char *text)
{
    char *redacted CLEANUP(cleanup_free) = conninfo_redact(text);
    char *password CLEANUP(cleanup_free) = conninfo_get(text, "password");
    struct err err = ERR_INIT;

    if (conninfo_check(text, &err) < 0 || password == NULL)
        return;
    if (is_unmistakable(text, password) && strstr(redacted, password) != NULL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text CLEANUP(cleanup_free) = xcalloc(size + 1, 1);
    char *built CLEANUP(cleanup_free) = NULL;
    struct conninfo_params params = CONNINFO_PARAMS_NULL;

    if (size > 0)
        (void)memcpy(text, data, size);
    check_redaction(text);
    if (conninfo_build(&built, text, NULL, 0, NULL) < 0)
        return 0;
    if (!conninfo_equal(text, built))
        abort();
    if (conninfo_params_init(&params, text, NULL, 0, NULL) < 0)
        abort();
    conninfo_params_deinit(&params);
    return 0;
}
