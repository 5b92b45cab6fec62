/* Vector registers. Compiled code never uses them: they belong to raw operations. */
#ifndef VECTORS_H
#define VECTORS_H

#include <stdbool.h>
#include <stdint.h>

/* Turns AVX on for the calling vCPU where the processor has it (boot.S has turned SSE on). */
void vectors_enable(void);

bool vectors_have_avx(void);

/* XMM0-15 (bytes 16) or YMM0-15 (bytes 32) from or to an array with 32 bytes for each. */
void vectors_load(const uint8_t *file, uint32_t bytes);
void vectors_store(uint8_t *file, uint32_t bytes);

#endif
