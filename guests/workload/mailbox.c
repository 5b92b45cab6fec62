#include "mailbox.h"

#include "check.h"
#include "checksum.h"
#include "interpreter.h"
#include "io.h"

static uint8_t *window(const struct cpu *cpu)
{
    return (uint8_t *)((uint64_t)MEMORY_WINDOW_BASE + (uint64_t)cpu->vcpu * MEMORY_WINDOW_STRIDE);
}

static const volatile struct program_header *program_of(const struct cpu *cpu)
{
    return (const volatile struct program_header *)(window(cpu) + WINDOW_PROGRAM_OFFSET);
}

uint8_t *mailbox_code(const struct cpu *cpu) { return window(cpu) + WINDOW_CODE_OFFSET; }

uint32_t mailbox_sequence(const struct cpu *cpu) { return program_of(cpu)->sequence; }

static void finish(struct cpu *cpu, struct result_header header)
{
    struct result_header *out = (struct result_header *)(window(cpu) + WINDOW_RESULT_OFFSET);
    uint32_t sequence = header.sequence;
    uint32_t bytes = 0;

    if (header.result_count)
        bytes = result_data_start(header.result_count) + header.data_bytes - (uint32_t)sizeof(header);
    header.checksum = checksum(CHECKSUM_START, &header, offsetof(struct result_header, checksum));
    header.checksum = checksum(header.checksum, out + 1, bytes);

    /* The sequence last: for one who watches the memory, results are complete when it appears. */
    header.sequence = 0;
    *out = header;
    __atomic_store_n(&out->sequence, sequence, __ATOMIC_RELEASE);
    cpu->last_sequence = sequence;
}

void mailbox_run(struct cpu *cpu)
{
    struct program_header copy = *program_of(cpu);
    struct program program = {
        .header = &copy,
        .operations = (const struct operation *)(window(cpu) + WINDOW_PROGRAM_OFFSET + sizeof(copy)),
        .results = (struct operation_result *)(window(cpu) + WINDOW_RESULT_OFFSET + sizeof(struct result_header)),
    };
    struct result_header header = {
        .magic = MAGIC_RESULT,
        .format = FORMAT_DIGEST,
        .sequence = copy.sequence,
        .vcpu = cpu->vcpu,
    };
    struct verdict verdict = check_program(&program, cpu->vcpu);

    header.status = verdict.status;
    header.detail = verdict.detail;
    if (verdict.status == STATUS_OK) {
        header.result_count = copy.operation_count;
        header.data_bytes = program.data_bytes;
        program.data = window(cpu) + WINDOW_RESULT_OFFSET + result_data_start(copy.operation_count);
        header.started = rdtsc();
        interpret(cpu, &program);
        header.ended = rdtsc();
    }
    finish(cpu, header);
}
