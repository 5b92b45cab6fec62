/*
 * What this machine's processor makes of read-modify-write instructions. Each line of input: operation, bytes, the value
 * in memory, the operand and the arithmetic flags before, all in hexadecimal but the name; each line of output: the value
 * and the arithmetic flags after.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ARITHMETIC_FLAGS UINT64_C(0x8d5)

/* Flags in, instruction, flags out; the red zone is not ours to push into. */
#define RUN(text, type, constraint)                                                                                          \
    do {                                                                                                                     \
        type value = (type)a, operand = (type)b;                                                                             \
        __asm__ volatile("subq $128, %%rsp\n\tpushq %[in]\n\tpopfq\n\t" text                                                \
                         "\n\tpushfq\n\tpopq %[out]\n\taddq $128, %%rsp"                                                    \
                         : [m] "+r"(value), [r] constraint(operand), [out] "=&r"(out)                                       \
                         : [in] "r"(in)                                                                                      \
                         : "cc", "memory");                                                                                  \
        printf("%" PRIx64 " %" PRIx64 "\n", (uint64_t)value, out & ARITHMETIC_FLAGS);                                       \
    } while (0)

#define SIZES(name, text8, text16, text32, text64, constraint)                                                               \
    if (!strcmp(operation, name)) {                                                                                          \
        if (size == 1)                                                                                                       \
            RUN(text8, uint8_t, constraint);                                                                                 \
        else if (size == 2)                                                                                                  \
            RUN(text16, uint16_t, constraint);                                                                               \
        else if (size == 4)                                                                                                  \
            RUN(text32, uint32_t, constraint);                                                                               \
        else                                                                                                                 \
            RUN(text64, uint64_t, constraint);                                                                               \
    }

#define TWO(name) SIZES(#name, #name "b %[r], %[m]", #name "w %[r], %[m]", #name "l %[r], %[m]", #name "q %[r], %[m]", "+r")
#define ONE(name) SIZES(#name, #name "b %[m]", #name "w %[m]", #name "l %[m]", #name "q %[m]", "+r")
#define SHIFT(name)                                                                                                          \
    SIZES(#name, #name "b %%cl, %[m]", #name "w %%cl, %[m]", #name "l %%cl, %[m]", #name "q %%cl, %[m]", "+c")
#define BIT(name) SIZES(#name, "ud2", #name "w %[r], %[m]", #name "l %[r], %[m]", #name "q %[r], %[m]", "+r")
#define DOUBLE(name, text, by)                                                                                               \
    SIZES(#name, "ud2", text "w " by ", %[r], %[m]", text "l " by ", %[r], %[m]", text "q " by ", %[r], %[m]", "+r")
/* Of the operand; the value is what the register held before. */
#define COUNT(name) BIT(name)

int main(void)
{
    char operation[16];
    unsigned size;
    uint64_t a, b, in, out;

    while (scanf("%15s %u %" SCNx64 " %" SCNx64 " %" SCNx64, operation, &size, &a, &b, &in) == 5) {
        in |= 2;
        TWO(add)
        TWO(or)
        TWO(adc)
        TWO(sbb)
        TWO(and)
        TWO(sub)
        TWO(xor)
        TWO(xchg)
        TWO(xadd)
        ONE(inc)
        ONE(dec)
        ONE(not)
        ONE(neg)
        DOUBLE(shld1, "shld", "$1")
        DOUBLE(shld7, "shld", "$7")
        DOUBLE(shld13, "shld", "$13")
        DOUBLE(shrd1, "shrd", "$1")
        DOUBLE(shrd7, "shrd", "$7")
        DOUBLE(shrd13, "shrd", "$13")
        BIT(imul)
        COUNT(bsf)
        COUNT(bsr)
        COUNT(tzcnt)
        COUNT(lzcnt)
        COUNT(popcnt)
        SHIFT(rcl)
        SHIFT(rcr)
        SHIFT(rol)
        SHIFT(ror)
        SHIFT(shl)
        SHIFT(shr)
        SHIFT(sar)
        BIT(bts)
        BIT(btr)
        BIT(btc)
    }
    return 0;
}
