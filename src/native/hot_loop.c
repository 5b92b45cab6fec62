#include "hot_loop.h"

#include <errno.h>

static inline void relax(void)
{
    __asm__ volatile ( "pause" ::: "memory" );
}

/* The vCPU whose request is READY, looked for from next_vcpu on; or -1. By address: this is what a spinner does most. */
static inline int find_ready(struct lane *lane)
{
    struct ioreq *const slots = lane->slots, *const next = slots + lane->next_vcpu, *const end = slots + lane->end;

    for ( struct ioreq *slot = next; slot < end; slot++ )
        if ( slot_state(slot) == STATE_IOREQ_READY )
            return slot - slots;
    for ( struct ioreq *slot = slots + lane->first; slot < next; slot++ )
        if ( slot_state(slot) == STATE_IOREQ_READY )
            return slot - slots;
    return -1;
}

static inline void own(struct lane *lane, enum taken taken)
{
    if ( !trace_is_off(&lane->trace) )
        lane->tsc_taken = rdtsc();
    lane->taken = taken;
    __atomic_store_n(&lane->owner, ++lane->number << OWNER_BITS | OWNER_HANDLER, __ATOMIC_RELEASE);
}

static inline void take_slot(struct lane *lane, unsigned int vcpu)
{
    slot_take(&lane->slots[vcpu], vcpu, &lane->request);
    lane->next_vcpu = vcpu + 1 < lane->end ? vcpu + 1 : lane->first;
    own(lane, TAKEN_SLOT);
}

/*
 * What a vCPU wrote to the ring before it sent its request is in the ring by the time that the request is READY: it is
 * handled first.
 */
static bool look_with_ring(struct lane *lane)
{
    struct ring *ring = &lane->ring;
    uint32_t ignored;
    int vcpu;

    if ( ring->waiting_vcpu < 0 )
    {
        ring->waiting_vcpu = find_ready(lane);
        if ( ring->waiting_vcpu >= 0 )
            ring->ahead = ring_used(ring, &ignored, &lane->request.ring_damaged);
    }
    if ( ring->waiting_vcpu < 0 || ring->ahead )
    {
        ring->taken = ring_take(ring, &lane->request);
        if ( ring->taken )
        {
            own(lane, TAKEN_RING);
            return true;
        }
    }
    vcpu = ring->waiting_vcpu;
    ring->waiting_vcpu = -1;
    /* Looked at again: only a page that something else writes to has lost it meanwhile. */
    if ( vcpu < 0 || slot_state(&lane->slots[vcpu]) != STATE_IOREQ_READY )
        return false;
    take_slot(lane, vcpu);
    return true;
}

/* Takes what there is: true, and lane->request holds it. */
static inline bool look(struct lane *lane)
{
    int vcpu;

    if ( lane->ring.page )
        return look_with_ring(lane);
    vcpu = find_ready(lane);
    if ( vcpu < 0 )
        return false;
    take_slot(lane, vcpu);
    return true;
}

/* False when the watchdog has answered in the meantime. */
static bool finish_taken(struct lane *lane)
{
    uint32_t owner = __atomic_load_n(&lane->owner, __ATOMIC_ACQUIRE);

    if ( (owner & OWNER_MASK) != OWNER_HANDLER ||
         !__atomic_compare_exchange_n(&lane->owner, &owner, OWNER_NONE, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) )
        return false;
    if ( lane->taken == TAKEN_SLOT )
        lane_answer(lane, &lane->request, lane->tsc_taken, TRACE_HANDLER);
    else
        lane_finish_entry(lane, &lane->request, lane->ring.taken, lane->tsc_taken, TRACE_HANDLER);
    lane->taken = TAKEN_NOTHING;
    return true;
}

enum serve_code serve_inherited(struct lane *lane)
{
    if ( lane->taken != TAKEN_NOTHING && !finish_taken(lane) )
        return SERVE_DISPLACED;
    for ( unsigned int vcpu = lane->first; vcpu < lane->end; vcpu++ )
        if ( slot_state(&lane->slots[vcpu]) == STATE_IOREQ_INPROCESS )
        {
            take_slot(lane, vcpu);
            return SERVE_REQUEST;
        }
    return SERVE_INTERRUPTED;
}

static inline bool is_interrupted(const struct lane *lane)
{
    return __atomic_load_n(&lane->interrupted, __ATOMIC_ACQUIRE);
}

/*
 * Looks until there is something or the time is up. The event channel stays masked meanwhile (Linux masks a port when it
 * delivers it, until it is written back: drivers/xen/evtchn.c), so no interrupt disturbs the spinner. *began stays as it is
 * when the first look finds something.
 */
static bool spin(struct lane *lane, uint64_t window, uint64_t *began)
{
    relax();
    if ( look(lane) )
        return true;
    *began = rdtsc();
    while ( !is_interrupted(lane) && rdtsc() - *began < window )
    {
        relax();
        if ( look(lane) )
            return true;
    }
    return false;
}

enum serve_code serve_next(struct lane *lane)
{
    uint64_t began = 0; /* of a wait that looking at once did not end */
    bool blocked = false, is_idle = false;

    if ( lane->taken != TAKEN_NOTHING )
    {
        /* Its only vCPU has just been answered and has yet to run; but behind an entry of a ring there may be more. */
        is_idle = lane->taken == TAKEN_SLOT && !lane->ring.page && lane->end - lane->first == 1;
        if ( !finish_taken(lane) )
            return SERVE_DISPLACED;
    }

    for ( ;; )
    {
        uint64_t window;
        int port;

        if ( is_interrupted(lane) )
        {
            __atomic_store_n(&lane->interrupted, 0, __ATOMIC_SEQ_CST);
            return SERVE_INTERRUPTED;
        }
        if ( !is_idle && look(lane) )
            break;
        is_idle = false;
        window = waiting_window(&lane->waiting);
        if ( !began )
        {
            if ( window && spin(lane, window, &began) )
                break;
            if ( !began )
                began = rdtsc();
            if ( is_interrupted(lane) )
                continue;
        }
        if ( !lane->server->open )
            return SERVE_DISPLACED;
        /* Blocks until an event; a read of one port. */
        port = xen.xenevtchn_pending(lane->evtchn);
        if ( port < 0 )
        {
            if ( errno == EINTR )
                continue;
            lane->request.answer = errno;
            return SERVE_FAILED;
        }
        blocked = true;
        /* Unmask before looking: an event for what comes after the look is then delivered anew. */
        xen.xenevtchn_unmask(lane->evtchn, port);
    }
    if ( blocked )
        waiting_ended(&lane->waiting, rdtsc() - began);
    return SERVE_REQUEST;
}
