#include "instructions.h"

extern const struct instruction instruction_table_start[], instruction_table_end[];

const struct instruction *instruction_find(const struct operation *operation)
{
    uint8_t repeats = operation->flags & (FLAG_REP | FLAG_REPNE);
    const struct instruction *each;

    for (each = instruction_table_start; each < instruction_table_end; each++)
        if (each->opcode == operation->opcode && each->size == operation->size && each->flags == repeats)
            return each;
    return NULL;
}
