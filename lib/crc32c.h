/* crc32c.h - a checksum against accidents: CRC-32C (Castagnoli), as PostgreSQL's WAL.
 */
#ifndef PGRMON_CRC32C_H
#define PGRMON_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Of `size` bytes. "123456789" gives 0xE3069283. */
uint32_t crc32c(const void *data, size_t size);

#endif
