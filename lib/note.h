/* note.h - a daemon's note, as the application_name of its sessions (rules N1, N2).
 *
 * Text form, version 2: "pgrmond2" and 55 characters, 63 in all, which is what
 * PostgreSQL keeps of a name. The 55 are 11 groups of 5: each is 32 bits, the number
 * written in base 85 with the alphabet of Z85 (ZeroMQ RFC 32: printable, no quote,
 * backslash or blank), first digit first. The 352 bits, first bit first, each field
 * with its highest bit first:
 *
 *     bits  field
 *       20  node_id, from 1
 *        4  phase: 1 lead, 2 renew, 3 follow, 4 ask, 5 canvass, 6 vote, 7 promote,
 *           8 resigned, 9 pass, 10 paused
 *        4  flags: frozen, voiceless, paused, relies
 *       32  term
 *       52  stamp: boot 14, ms 38 (boot is 0 where ms is: no stamp)
 *       20  leader_id
 *       52  echo, as stamp
 *       89  report: known 1, term 32, position 56; where known is 0 the term is, too,
 *           but for term 1: it is coming; and the position is pause_version
 *       20  window_ms
 *       40  members_version
 *       10  incarnation
 *        9  checksum: the lowest bits of the CRC-32C of the 44 bytes with 0 in its
 * place
 *
 * What does not fit: window_ms is cut to the largest there is room for (it is worth
 * less then), and so are stamps and echoes, after 8.7 years without a reboot (they do
 * not advance any more, and nobody believes them); incarnations from 1023 on are all
 * 1023; a report that does not fit is left out (its node votes without one). Anything
 * else is a bug of ours and traps. */
#ifndef PGRMON_NOTE_H
#define PGRMON_NOTE_H

#include "core/core.h"

#define NOTE_TEXT_SIZE 64

/* Write the text form into `buf` and return it. The phase is not NONE, the rest as in
 * core.h. */
char *note_format(const struct core_note *note, char buf[static NOTE_TEXT_SIZE]);

/* Read one note, with suspicion: anybody may name a session like that, so only what
 * note_format() could have written is taken. Returns 0, or -EINVAL with `*ret_note`
 * untouched. */
int note_parse(const char *text, struct core_note *ret_note) PGRMON_MUST_CHECK;

/* Read a board: several names, one a line, the session that began last at the end. Of
 * each node the newest note is kept (N2): by incarnation, then by stamp; stamps of
 * different boots cannot be compared, there the later line counts. Returns how many
 * nodes there are in `ret`, in no particular order; those beyond `max` are left out.
 * `*ret_n_bad` (may be NULL) is the number of lines that look like notes and are none.
 */
int note_board(const char *lines, struct core_note *ret, int max, int *ret_n_bad);

/* "lead", "follow", ...: for people and JSON. */
const char *note_phase_name(enum core_phase phase);

#endif
