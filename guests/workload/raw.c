#include "raw.h"

#include "execute.h"
#include "mailbox.h"
#include "memory.h"
#include "vectors.h"

#define RFLAGS_RESERVED 0x2

/* jmp *0(%rip), followed by the address: needs no register. */
static const uint8_t jump[] = { 0xff, 0x25, 0, 0, 0, 0 };

static void place_code(uint8_t *place, const struct raw_input *input)
{
    uint64_t back = (uint64_t)execute_done;

    memcpy(place, input->code, input->code_bytes);
    memcpy(place + input->code_bytes, jump, sizeof(jump));
    memcpy(place + input->code_bytes + sizeof(jump), &back, sizeof(back));
}

void raw_run(struct cpu *cpu, const struct raw_input *input, uint8_t *output)
{
    uint8_t *code = mailbox_code(cpu);
    struct raw_output out;

    place_code(code, input);
    cpu->registers.rflags = input->rflags | RFLAGS_RESERVED;
    memcpy(cpu->registers.gpr, input->gpr, sizeof(input->gpr));
    if (input->vector_bytes) {
        memcpy(cpu->vectors, input + 1, sizeof(cpu->vectors));
        vectors_load(cpu->vectors, input->vector_bytes);
    }

    /* The code may jump anywhere: any exception is its own. */
    execute_instruction(cpu, (uint64_t)code, 0, UINT64_MAX);

    out.rflags = cpu->registers.rflags;
    memcpy(out.gpr, cpu->registers.gpr, sizeof(out.gpr));
    memcpy(output, &out, sizeof(out));
    if (input->vector_bytes) {
        vectors_store(cpu->vectors, input->vector_bytes);
        memcpy(output + sizeof(out), cpu->vectors, sizeof(cpu->vectors));
    }
}
