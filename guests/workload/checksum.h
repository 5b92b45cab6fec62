/* The checksum of everything in memory that host and guest exchange: guests/program/checksum.ts says why this one. */
#ifndef CHECKSUM_H
#define CHECKSUM_H

#include <stdint.h>

#define CHECKSUM_START 0x811c9dc5u

/* Continues `sum` over `bytes`, a multiple of 4. */
static inline uint32_t checksum(uint32_t sum, const void *data, uint32_t bytes)
{
    const uint32_t *words = data;

    for (uint32_t i = 0; i < bytes / 4; i++)
        sum = (sum ^ words[i]) * 0x01000193u;
    return sum;
}

#endif
