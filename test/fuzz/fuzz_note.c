/* fuzz_note.c - any text as the name of a session: what is a note is written back byte
 * by byte, and what is found among several belongs to the node that was asked for. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text CLEANUP(cleanup_free) = xcalloc(size + 1, 1);
    char again[NOTE_TEXT_SIZE];
    struct core_note note;

    if (size > 0)
        (void)memcpy(text, data, size);
    if (note_parse(text, &note) == 0 && strcmp(note_format(&note, again), text) != 0)
        abort();
    note = note_find(text, 1);
    if (note.phase != CORE_PHASE_NONE && note.node_id != 1)
        abort();
    return 0;
}
