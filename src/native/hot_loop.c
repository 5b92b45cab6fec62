#include "hot_loop.h"

#include <errno.h>

static inline void relax(void)
{
    __asm__ volatile ( "pause" ::: "memory" );
}

/* The vCPU whose request is READY, looked for from next_vcpu on; or -1. */
static inline int find_ready(struct server *server)
{
    unsigned int vcpu = server->next_vcpu;

    for ( unsigned int looked = 0; looked < server->vcpus; looked++ )
    {
        if ( vcpu >= server->vcpus )
            vcpu = 0;
        if ( slot_state(&server->slots[vcpu]) == STATE_IOREQ_READY )
            return vcpu;
        vcpu++;
    }
    return -1;
}

static void take(struct server *server, unsigned int vcpu)
{
    const struct ioreq *request = &server->request;
    uint32_t *words = server->words;

    slot_take(&server->slots[vcpu], &server->request);
    server->tsc_taken = rdtsc();
    server->taken = vcpu;
    server->next_vcpu = vcpu + 1;
    words[REQUEST_VCPU] = vcpu;
    words[REQUEST_TYPE] = request->type;
    words[REQUEST_BITS] = request->dir | request->data_is_ptr << 1 | request->df << 2;
    words[REQUEST_SIZE] = request->size;
    words[REQUEST_COUNT] = request->count;
    words[REQUEST_ADDR_LOW] = request->addr;
    words[REQUEST_ADDR_HIGH] = request->addr >> 32;
    words[REQUEST_DATA_LOW] = request->data;
    words[REQUEST_DATA_HIGH] = request->data >> 32;
    words[ANSWER_LOW] = UINT32_MAX;
    words[ANSWER_HIGH] = UINT32_MAX;
    __atomic_store_n(&server->owner, (uint32_t)server->trace.count << OWNER_BITS | OWNER_HANDLER, __ATOMIC_RELEASE);
}

/* False when the watchdog has answered in the meantime. */
static bool answer_taken(struct server *server)
{
    uint32_t owner = __atomic_load_n(&server->owner, __ATOMIC_ACQUIRE);

    if ( (owner & OWNER_MASK) != OWNER_HANDLER ||
         !__atomic_compare_exchange_n(&server->owner, &owner, OWNER_NONE, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) )
        return false;
    server_answer(server, server->taken, &server->request,
                  (uint64_t)server->words[ANSWER_HIGH] << 32 | server->words[ANSWER_LOW], server->tsc_taken,
                  TRACE_HANDLER);
    server->taken = -1;
    return true;
}

/*
 * Looks at the slots until one is READY or the time is up. The event channel stays masked meanwhile (Linux masks a port
 * when it delivers it, until it is written back: drivers/xen/evtchn.c), so no interrupt disturbs the spinner.
 */
static int spin(struct server *server)
{
    uint64_t until = rdtsc() + server->spin_cycles;

    do {
        int vcpu = find_ready(server);

        if ( vcpu >= 0 || __atomic_load_n(&server->interrupted, __ATOMIC_ACQUIRE) )
            return vcpu;
        relax();
    } while ( rdtsc() < until );
    return -1;
}

enum serve_code serve_inherited(struct server *server)
{
    if ( server->taken >= 0 && !answer_taken(server) )
        return SERVE_DISPLACED;
    for ( unsigned int vcpu = 0; vcpu < server->vcpus; vcpu++ )
        if ( slot_state(&server->slots[vcpu]) == STATE_IOREQ_INPROCESS )
        {
            take(server, vcpu);
            return SERVE_REQUEST;
        }
    return SERVE_INTERRUPTED;
}

enum serve_code serve_next(struct server *server)
{
    if ( server->taken >= 0 && !answer_taken(server) )
        return SERVE_DISPLACED;

    for ( ;; )
    {
        int vcpu, port;

        if ( __atomic_load_n(&server->interrupted, __ATOMIC_ACQUIRE) )
        {
            __atomic_store_n(&server->interrupted, 0, __ATOMIC_SEQ_CST);
            return SERVE_INTERRUPTED;
        }
        vcpu = server->spin_cycles ? spin(server) : find_ready(server);
        if ( vcpu >= 0 )
        {
            take(server, vcpu);
            return SERVE_REQUEST;
        }
        if ( __atomic_load_n(&server->interrupted, __ATOMIC_ACQUIRE) )
            continue;

        if ( !server->open )
            return SERVE_DISPLACED;
        /* Blocks until an event; a read of one port. */
        port = xen.xenevtchn_pending(server->evtchn);
        if ( port < 0 )
        {
            if ( errno == EINTR )
                continue;
            server->words[ANSWER_LOW] = errno;
            return SERVE_FAILED;
        }
        /* Unmask before looking at the slots: an event for what comes after the look is then delivered anew. */
        xen.xenevtchn_unmask(server->evtchn, port);
    }
}
