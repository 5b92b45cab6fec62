#include "reference_server.h"

#include <stdlib.h>

#define PORTS 65536
#define REGISTER_BYTES 4

/* A register that remembers what was written, as scenarios/performance/register.device.ts is one. */
struct reference_register {
    uint16_t base;
    uint32_t value;
};

static uint32_t register_read(const struct reference_register *reg, unsigned int offset)
{
    return reg->value >> (offset * 8);
}

static void register_write(struct reference_register *reg, uint32_t value)
{
    reg->value = value;
}

enum serve_code reference_serve(struct server *server, const uint16_t *ports, unsigned int count)
{
    struct reference_register *registers = calloc(count, sizeof *registers);
    uint16_t *table = calloc(PORTS, sizeof *table); /* port -> 1 + index into registers */
    uint32_t *words = server->words;
    enum serve_code code = SERVE_FAILED;

    if ( !registers || !table )
        goto out;
    for ( unsigned int i = 0; i < count; i++ )
    {
        registers[i].base = ports[i];
        for ( unsigned int byte = 0; byte < REGISTER_BYTES && ports[i] + byte < PORTS; byte++ )
            table[ports[i] + byte] = i + 1;
    }

    while ( (code = serve_next(server)) == SERVE_REQUEST )
    {
        uint32_t port = words[REQUEST_ADDR_LOW];
        unsigned int found = words[REQUEST_TYPE] == IOREQ_TYPE_PIO && port < PORTS ? table[port] : 0;

        if ( !found || words[REQUEST_BITS] & 2 )
            continue; /* all ones, as serve_next has put there */
        if ( words[REQUEST_BITS] & 1 )
        {
            words[ANSWER_LOW] = register_read(&registers[found - 1], port - registers[found - 1].base);
            words[ANSWER_HIGH] = 0;
        }
        else
            register_write(&registers[found - 1], words[REQUEST_DATA_LOW]);
    }
out:
    free(registers);
    free(table);
    return code;
}
