/* crc32c.c - bit by bit: what it is used for is small and rare. */
#include "crc32c.h"

#define POLYNOMIAL UINT32_C(0x82F63B78) /* reflected */

uint32_t crc32c(const void *data, size_t size)
{
    const uint8_t *byte = data;
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < size; i++) {
        crc ^= byte[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1) != 0 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
    }
    return ~crc;
}
