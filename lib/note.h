/* note.h - a daemon's note, as the application_name of its sessions (rule N1).
 *
 * Text form, version 1: "pgrmond/1 <node_id> <phase> <leader_id> <term>", 63 bytes at
 * most, printable ASCII. Parsed with suspicion: anybody may name a session like that.
 */
#ifndef PGRMON_NOTE_H
#define PGRMON_NOTE_H

#include "core/core.h"

#define NOTE_TEXT_SIZE 64

/* Write the text form into `buf` and return it. */
char *note_format(const struct core_note *note, char buf[static NOTE_TEXT_SIZE]);

/* Read one note. Returns 0, or -EINVAL with `*ret_note` untouched. */
int note_parse(const char *text, struct core_note *ret_note) PGRMON_MUST_CHECK;

/* From several notes, one a line, take the one of `node_id`; phase NONE when there is
 * none. Lines that are not notes are passed over. */
struct core_note note_find(const char *lines, int node_id);

/* "lead", "follow", ...: also what the text form uses. */
const char *note_phase_name(enum core_phase phase);

#endif
