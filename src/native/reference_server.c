#include "reference_server.h"

#include <stdlib.h>
#include <uv.h>

#define PORTS 65536
#define REGISTER_BYTES 4

/* A register that remembers what was written; a write of any width replaces it. */
struct reference_register {
    uint16_t base;
    uint32_t value;
};

struct reference {
    uv_thread_t thread;
    struct server *server;
    uint32_t stopping;
    struct reference_register registers[MAX_REFERENCE_PORTS];
    uint16_t table[PORTS]; /* port -> 1 + index into registers */
};

static uint32_t register_read(const struct reference_register *reg, unsigned int offset)
{
    return reg->value >> (offset * 8);
}

static void register_write(struct reference_register *reg, uint32_t value)
{
    reg->value = value;
}

static void serve(void *argument)
{
    struct reference *reference = argument;
    uint32_t *words = reference->server->words;

    for ( ;; )
    {
        enum serve_code code = serve_next(reference->server);
        uint32_t port = words[REQUEST_ADDR_LOW];
        unsigned int found = words[REQUEST_TYPE] == IOREQ_TYPE_PIO && port < PORTS ? reference->table[port] : 0;
        struct reference_register *reg;

        if ( code == SERVE_INTERRUPTED && !__atomic_load_n(&reference->stopping, __ATOMIC_ACQUIRE) )
            continue;
        if ( code != SERVE_REQUEST )
            return;
        if ( !found || words[REQUEST_BITS] & 2 )
            continue; /* all ones, as serve_next has put there */
        reg = &reference->registers[found - 1];
        if ( words[REQUEST_BITS] & 1 )
        {
            words[ANSWER_LOW] = register_read(reg, port - reg->base);
            words[ANSWER_HIGH] = 0;
        }
        else
            register_write(reg, words[REQUEST_DATA_LOW]);
    }
}

int reference_start(struct server *server, const uint16_t *ports, unsigned int count)
{
    struct reference *reference = calloc(1, sizeof *reference);
    int error;

    if ( !reference )
        return UV_ENOMEM;
    reference->server = server;
    for ( unsigned int i = 0; i < count; i++ )
    {
        reference->registers[i].base = ports[i];
        for ( unsigned int byte = 0; byte < REGISTER_BYTES && ports[i] + byte < PORTS; byte++ )
            reference->table[ports[i] + byte] = i + 1;
    }
    if ( (error = uv_thread_create(&reference->thread, serve, reference)) )
    {
        free(reference);
        return error;
    }
    server->reference = reference;
    return 0;
}

void reference_stop(struct server *server)
{
    struct reference *reference = server->reference;

    if ( !reference )
        return;
    __atomic_store_n(&reference->stopping, 1, __ATOMIC_RELEASE);
    server_interrupt(server);
    uv_thread_join(&reference->thread);
    server->reference = NULL;
    free(reference);
}
