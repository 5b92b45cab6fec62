#include "check.h"

#include "check_operation.h"
#include "checksum.h"

static uint32_t check_header(const struct program *program, uint32_t vcpu)
{
    const struct program_header *header = program->header;
    uint64_t bytes = sizeof(*header) + (uint64_t)header->operation_count * sizeof(struct operation) + header->payload_bytes;
    uint32_t sum;

    if (header->magic != MAGIC_PROGRAM)
        return STATUS_BAD_MAGIC;
    if (header->format != FORMAT_DIGEST)
        return STATUS_BAD_FORMAT;
    if (header->vcpu != vcpu || !(header->participants & 1u << vcpu) || header->sequence == 0)
        return STATUS_BAD_VCPU;
    if (header->payload_bytes % 8 || bytes > WINDOW_PROGRAM_SIZE)
        return STATUS_BAD_LENGTH;

    sum = checksum(CHECKSUM_START, header, offsetof(struct program_header, checksum));
    sum = checksum(sum, program->operations, (uint32_t)(bytes - sizeof(*header)));
    return sum == header->checksum ? STATUS_OK : STATUS_BAD_CHECKSUM;
}

struct verdict check_program(struct program *program, uint32_t vcpu)
{
    uint32_t count = program->header->operation_count;
    uint32_t status = check_header(program, vcpu);
    uint64_t bytes, data = 0;

    if (status != STATUS_OK)
        return (struct verdict){ status, NO_DETAIL };
    program->payload = (const uint8_t *)(program->operations + count);

    for (uint32_t i = 0; i < count; i++) {
        const struct operation *operation = &program->operations[i];

        status = check_operation(program, operation);
        if (status != STATUS_OK)
            return (struct verdict){ status, i };
        bytes = result_data_bytes(operation, (const void *)(program->payload + operation->b));
        if (bytes > WINDOW_RESULT_SIZE)
            return (struct verdict){ STATUS_BAD_LENGTH, i };
        data += align_data((uint32_t)bytes);
        if (result_data_start(count) + data > WINDOW_RESULT_SIZE)
            return (struct verdict){ STATUS_BAD_LENGTH, i };
    }
    program->data_bytes = (uint32_t)data;
    return (struct verdict){ STATUS_OK, NO_DETAIL };
}
