#include "vectors.h"

#include "io.h"
#include "processor.h"
#include "program_format.h"

#define FEATURE_ECX_XSAVE (1u << 26)
#define FEATURE_ECX_AVX (1u << 28)
#define XCR0_X87_SSE_AVX 7

bool vectors_have_avx(void)
{
    uint32_t ecx = cpuid(1, 0).ecx;

    return ecx & FEATURE_ECX_XSAVE && ecx & FEATURE_ECX_AVX;
}

void vectors_enable(void)
{
    uint64_t cr4;

    if (!vectors_have_avx())
        return;
    __asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("movq %0, %%cr4" : : "r"(cr4 | CR4_OSXSAVE));
    __asm__ volatile("xsetbv" : : "c"(0), "a"(XCR0_X87_SSE_AVX), "d"(0));
}

/* The register's number has to be in the instruction: one line for each. */
#define EACH(x)                                                                                                        \
    x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7) x(8) x(9) x(10) x(11) x(12) x(13) x(14) x(15)
#define LOAD_XMM(n) "movups " #n "*32(%0), %%xmm" #n "\n"
#define LOAD_YMM(n) "vmovups " #n "*32(%0), %%ymm" #n "\n"
#define STORE_XMM(n) "movups %%xmm" #n ", " #n "*32(%0)\n"
#define STORE_YMM(n) "vmovups %%ymm" #n ", " #n "*32(%0)\n"

void vectors_load(const uint8_t *file, uint32_t bytes)
{
    if (bytes == 32)
        __asm__ volatile(EACH(LOAD_YMM) : : "r"(file) : "memory");
    else
        __asm__ volatile(EACH(LOAD_XMM) : : "r"(file) : "memory");
}

void vectors_store(uint8_t *file, uint32_t bytes)
{
    if (bytes == 32)
        __asm__ volatile(EACH(STORE_YMM) : : "r"(file) : "memory");
    else
        __asm__ volatile(EACH(STORE_XMM) : : "r"(file) : "memory");
}
