/* fuzz_note.c - any text as the name of a session: what is a note is written back byte
 * by byte, and of what is found among several each node is there once. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_board(const char *lines)
{
    struct core_note notes[4];
    int n_bad;
    int n = note_board(lines, notes, 4, &n_bad);

    if (n < 0 || n > 4 || n_bad < 0)
        abort();
    for (int i = 0; i < n; i++) {
        char text[NOTE_TEXT_SIZE];

        if (strstr(lines, note_format(&notes[i], text)) == NULL)
            abort();
        for (int k = 0; k < i; k++)
            if (notes[k].node_id == notes[i].node_id)
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text CLEANUP(cleanup_free) = xcalloc(size + 1, 1);
    char again[NOTE_TEXT_SIZE];
    struct core_note note;

    if (size > 0)
        (void)memcpy(text, data, size);
    if (note_parse(text, &note) == 0 && strcmp(note_format(&note, again), text) != 0)
        abort();
    check_board(text);
    return 0;
}
