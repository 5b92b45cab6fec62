#include "paging.h"

#include "io.h"
#include "processor.h"

#define CPUID_EXTENDED 0x80000000
#define CPUID_FEATURES 0x80000001
#define CPUID_ADDRESS_SIZES 0x80000008
#define FEATURE_EDX_GIB_PAGES (1u << 26)
#define GIB_SHIFT 30
/* What one table of pointers covers, and one PML4 entry. */
#define MOST_GIB 512

extern uint64_t page_directory_pointers[MOST_GIB];

static uint32_t mapped = SMALL_MAP_GIB;

bool paging_has_gib_pages(void)
{
    return cpuid(CPUID_EXTENDED, 0).eax >= CPUID_FEATURES && cpuid(CPUID_FEATURES, 0).edx & FEATURE_EDX_GIB_PAGES;
}

/* Bits beyond the processor's physical addresses are reserved in page-table entries: a page fault, not an access. */
static uint32_t addressable_gib(void)
{
    uint32_t bits = 36;

    if (cpuid(CPUID_EXTENDED, 0).eax >= CPUID_ADDRESS_SIZES)
        bits = cpuid(CPUID_ADDRESS_SIZES, 0).eax & 0xff;
    return bits >= GIB_SHIFT + 9 ? MOST_GIB : 1u << (bits - GIB_SHIFT);
}

void paging_extend(void)
{
    if (!paging_has_gib_pages())
        return;
    for (uint32_t most = addressable_gib(); mapped < most; mapped++)
        page_directory_pointers[mapped] = (uint64_t)mapped << GIB_SHIFT | PTE_PRESENT | PTE_WRITE | PTE_LARGE;
}

uint32_t paging_mapped_gib(void) { return mapped; }
