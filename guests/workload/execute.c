#include "execute.h"

void execute(void);
extern const char execute_faulted[];

void execute_instruction(struct cpu *cpu, uint64_t code, uint64_t first, uint64_t last)
{
    cpu->code = code;
    cpu->fault.happened = false;
    cpu->guard = (struct guard){ .first = first, .last = last, .resume = (uint64_t)execute_faulted };
    /* The assembly reaches cpu through GS, which the compiler does not know. */
    __asm__ volatile("" : : : "memory");
    execute();
    __asm__ volatile("" : : : "memory");
    cpu->guard.resume = 0;
}
