#include "halt.h"

#include <stdint.h>

void halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

void triple_fault(void)
{
    const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) nothing = { 0, 0 };

    __asm__ volatile("lidt %0; ud2" : : "m"(nothing));
    halt();
}
