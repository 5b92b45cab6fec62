/* The identity map above what boot.S maps. */
#ifndef PAGING_H
#define PAGING_H

#include <stdbool.h>
#include <stdint.h>

/* Maps up to 512 GiB when the processor has 1 GiB pages. */
void paging_extend(void);

/* GiB that are mapped. */
uint32_t paging_mapped_gib(void);

bool paging_has_gib_pages(void);

#endif
