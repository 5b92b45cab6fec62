#include "reference_server.h"

#include <stdlib.h>
#include <uv.h>

#define PORTS 65536

/* A register that remembers what was written; a write of any width replaces it. */
struct reference_register {
    uint64_t base, end; /* both included */
    uint32_t value;
};

struct reference {
    unsigned int threads;
    uv_thread_t thread[MAX_VCPUS];
    uint32_t stopping;
    unsigned int scans, port_count;
    bool constant;
    uint64_t value;
    uint16_t table[PORTS]; /* port -> 1 + index into ports */
    struct reference_register ports[MAX_REFERENCE_RANGES];
    struct reference_register memories[MAX_REFERENCE_RANGES]; /* sorted */
    unsigned int memory_count;
};

/* The look-up of src/server/dispatcher.ts: a table of all ports, a binary search over memory. */
static struct reference_register *find(struct reference *reference, bool is_port, uint64_t address)
{
    int low = 0, high = (int)reference->memory_count - 1;

    if ( is_port )
    {
        unsigned int found = address < PORTS ? reference->table[address] : 0;

        return found ? &reference->ports[found - 1] : NULL;
    }
    while ( low <= high )
    {
        int middle = (low + high) >> 1;
        struct reference_register *candidate = &reference->memories[middle];

        if ( address < candidate->base )
            high = middle - 1;
        else if ( address > candidate->end )
            low = middle + 1;
        else
            return candidate;
    }
    return NULL;
}

/* One after the other, as Xen does it (find_range in xen/common/rangeset.c); all of them, since none holds the address. */
static void scan(const struct reference_register *registers, unsigned int count)
{
    for ( unsigned int i = 0; i < count; i++ )
    {
        const struct reference_register *volatile found = &registers[i];

        if ( found->end == UINT64_MAX )
            return;
    }
}

static void dispatch(struct reference *reference, struct request *request)
{
    struct reference_register *found;

    if ( reference->constant )
    {
        request->answer = reference->value;
        return;
    }
    /* All ones, as serve_next has put there. */
    if ( request->type > IOREQ_TYPE_COPY || request->bits & REQUEST_POINTER )
        return;
    for ( unsigned int i = 0; i < reference->scans; i++ )
    {
        scan(reference->ports, reference->port_count);
        scan(reference->memories, reference->memory_count);
    }
    found = find(reference, request->type == IOREQ_TYPE_PIO, request->addr);
    if ( !found || request->addr + request->size - 1 > found->end )
        return;
    if ( request->bits & REQUEST_READ )
        request->answer = found->value >> (request->addr - found->base) * 8;
    else
        found->value = request->data;
}

static void serve(void *argument)
{
    struct lane *lane = argument;
    struct reference *reference = lane->server->reference;

    for ( ;; )
    {
        enum serve_code code = serve_next(lane);

        if ( code == SERVE_REQUEST )
            dispatch(reference, &lane->request);
        else if ( code != SERVE_INTERRUPTED || __atomic_load_n(&reference->stopping, __ATOMIC_ACQUIRE) )
            return;
    }
}

static int compare(const void *a, const void *b)
{
    const struct reference_register *one = a, *other = b;

    return one->base < other->base ? -1 : one->base > other->base;
}

static int place(struct reference *reference, const struct reference_setup *setup)
{
    for ( unsigned int i = 0; i < setup->port_count; i++ )
    {
        struct reference_register *reg = &reference->ports[i];

        reg->base = setup->ports[i];
        reg->end = reg->base + REFERENCE_BYTES - 1 < PORTS ? reg->base + REFERENCE_BYTES - 1 : PORTS - 1;
        for ( uint64_t port = reg->base; port <= reg->end; port++ )
        {
            if ( reference->table[port] )
                return UV_EEXIST;
            reference->table[port] = i + 1;
        }
    }
    reference->memory_count = setup->address_count;
    for ( unsigned int i = 0; i < setup->address_count; i++ )
    {
        reference->memories[i].base = setup->addresses[i];
        reference->memories[i].end = reference->memories[i].base + REFERENCE_BYTES - 1;
    }
    qsort(reference->memories, reference->memory_count, sizeof *reference->memories, compare);
    for ( unsigned int i = 1; i < reference->memory_count; i++ )
        if ( reference->memories[i].base <= reference->memories[i - 1].end )
            return UV_EEXIST;
    return 0;
}

int reference_start(struct server *server, const struct reference_setup *setup)
{
    struct reference *reference = calloc(1, sizeof *reference);
    int error;

    if ( !reference )
        return UV_ENOMEM;
    reference->constant = setup->constant;
    reference->value = setup->value;
    reference->scans = setup->scans;
    reference->port_count = setup->port_count;
    if ( (error = place(reference, setup)) )
    {
        free(reference);
        return error;
    }
    server->reference = reference;
    for ( unsigned int i = 0; i < server->lane_count; i++ )
    {
        if ( (error = uv_thread_create(&reference->thread[i], serve, &server->lanes[i])) )
        {
            reference_stop(server);
            return error;
        }
        reference->threads++;
    }
    return 0;
}

void reference_stop(struct server *server)
{
    struct reference *reference = server->reference;

    if ( !reference )
        return;
    __atomic_store_n(&reference->stopping, 1, __ATOMIC_RELEASE);
    server_interrupt(server);
    for ( unsigned int i = 0; i < reference->threads; i++ )
        uv_thread_join(&reference->thread[i]);
    server->reference = NULL;
    free(reference);
}
