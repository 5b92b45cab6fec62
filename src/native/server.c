#include "server.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "evtchn_pool.h"
#include "process.h"

#include <xen/hvm/hvm_op.h>
#include <xen/memory.h>

#define FAILED(what) (*call = (what), -1)

#define PAGE_BYTES 4096

/* How long vCPUs get to take the last answers of a server: 50 ms. */
#define TAKE_LOOK_NS 100000
#define TAKE_LOOKS 500

/* The ring is the frame before the slots (ioreq_server_get_frame in xen/common/ioreq.c). */
static int map_pages(struct server *server, bool buffered, const char **call)
{
    void *pages = NULL;
    unsigned long first =
        buffered ? XENMEM_resource_ioreq_server_frame_bufioreq : XENMEM_resource_ioreq_server_frame_ioreq(0);

    server->resource = xen.xenforeignmemory_map_resource(
        process.foreignmemory, server->domid, XENMEM_resource_ioreq_server, server->id, first, buffered ? 2 : 1, &pages,
        PROT_READ | PROT_WRITE, 0);
    if ( !server->resource )
        return FAILED("xenforeignmemory_map_resource");
    if ( buffered )
        server->ring = pages;
    server->slots = (struct ioreq *)((char *)pages + (buffered ? PAGE_BYTES : 0));
    return 0;
}

static int open_lanes(struct server *server, const char **call)
{
    for ( unsigned int i = 0; i < server->lane_count; i++ )
    {
        struct lane *lane = &server->lanes[i];

        lane->slots = server->slots;
        lane->first = lane->next_vcpu = i;
        lane->end = server->lane_count > 1 ? i + 1 : server->vcpus;
        lane->ring.page = i == 0 ? server->ring : NULL;
        lane->ring.waiting_vcpu = -1;
        if ( trace_init(&lane->trace) )
            return FAILED("malloc");
        if ( evtchn_take(&lane->evtchn, &lane->kick, call) )
            return -1;
    }
    return 0;
}

static void init(struct server *server, domid_t domid, unsigned int vcpus, struct server_options options)
{
    memset(server, 0, sizeof *server);
    server->domid = domid;
    server->vcpus = vcpus;
    server->lane_count = options.lane_per_vcpu ? vcpus : 1;
    for ( unsigned int i = 0; i < MAX_VCPUS; i++ )
        server->lanes[i].server = server;
}

/* What is needed of a server that Xen has; closes it when a call fails. */
static int open_existing(struct server *server, struct server_options options, const char **call)
{
    const char *ignored;
    int error;

    server->open = true;
    if ( !map_pages(server, options.buffered != HVM_IOREQSRV_BUFIOREQ_OFF, call) && !open_lanes(server, call) )
        return 0;
    error = errno;
    server_close(server, &ignored);
    errno = error;
    return -1;
}

int server_open(struct server *server, domid_t domid, unsigned int vcpus, struct server_options options,
                const char **call)
{
    init(server, domid, vcpus, options);
    if ( xen.xendevicemodel_create_ioreq_server(process.devicemodel, domid, options.buffered, &server->id) )
        return FAILED("xendevicemodel_create_ioreq_server");
    return open_existing(server, options, call);
}

int server_adopt(struct server *server, domid_t domid, unsigned int vcpus, ioservid_t id, struct server_options options,
                 const char **call)
{
    init(server, domid, vcpus, options);
    server->id = id;
    server->adopted = true;
    return open_existing(server, options, call);
}

int server_map_range(struct server *server, bool memory, uint64_t start, uint64_t end, const char **call)
{
    if ( xen.xendevicemodel_map_io_range_to_ioreq_server(process.devicemodel, server->domid, server->id, memory, start,
                                                         end) )
        return FAILED("xendevicemodel_map_io_range_to_ioreq_server");
    return 0;
}

int server_unmap_range(struct server *server, bool memory, uint64_t start, uint64_t end, const char **call)
{
    if ( xen.xendevicemodel_unmap_io_range_from_ioreq_server(process.devicemodel, server->domid, server->id, memory,
                                                             start, end) )
        return FAILED("xendevicemodel_unmap_io_range_from_ioreq_server");
    return 0;
}

int server_map_pci(struct server *server, uint32_t sbdf, const char **call)
{
    if ( xen.xendevicemodel_map_pcidev_to_ioreq_server(process.devicemodel, server->domid, server->id, sbdf >> 16,
                                                       sbdf >> 8, sbdf >> 3 & 31, sbdf & 7) )
        return FAILED("xendevicemodel_map_pcidev_to_ioreq_server");
    return 0;
}

int server_unmap_pci(struct server *server, uint32_t sbdf, const char **call)
{
    if ( xen.xendevicemodel_unmap_pcidev_from_ioreq_server(process.devicemodel, server->domid, server->id, sbdf >> 16,
                                                           sbdf >> 8, sbdf >> 3 & 31, sbdf & 7) )
        return FAILED("xendevicemodel_unmap_pcidev_from_ioreq_server");
    return 0;
}

static int bind_ring(struct server *server, const char **call)
{
    evtchn_port_t remote;
    int port;

    /* No frames asked for: Xen refuses them once the pages were mapped as resources. */
    if ( xen.xendevicemodel_get_ioreq_server_info(process.devicemodel, server->domid, server->id, NULL, NULL, &remote) )
        return FAILED("xendevicemodel_get_ioreq_server_info");
    port = xen.xenevtchn_bind_interdomain(server->lanes[0].evtchn, server->domid, remote);
    if ( port < 0 )
        return FAILED("xenevtchn_bind_interdomain");
    server->ring_port = port;
    return 0;
}

int server_enable(struct server *server, const char **call)
{
    if ( xen.xendevicemodel_set_ioreq_server_state(process.devicemodel, server->domid, server->id, 1) )
        return FAILED("xendevicemodel_set_ioreq_server_state");
    server->enabled = true;
    for ( unsigned int i = 0; i < server->lane_count; i++ )
    {
        struct lane *lane = &server->lanes[i];

        for ( unsigned int vcpu = lane->first; vcpu < lane->end; vcpu++ )
        {
            int port = xen.xenevtchn_bind_interdomain(lane->evtchn, server->domid, server->slots[vcpu].vp_eport);

            if ( port < 0 )
                return FAILED("xenevtchn_bind_interdomain");
            server->ports[vcpu] = port;
            /* Its last device model may have died between the answer and the notification: Xen looks only when notified. */
            if ( server->adopted && slot_state(&server->slots[vcpu]) == STATE_IORESP_READY )
                xen.xenevtchn_notify(lane->evtchn, port);
        }
    }
    if ( server->ring && bind_ring(server, call) )
        return -1;
    server->bound = true;
    return 0;
}

static void record(struct lane *lane, const struct request *request, uint64_t tsc_taken, enum trace_origin origin)
{
    struct trace *trace = &lane->trace;
    struct trace_record *record = &trace->records[trace->count & (TRACE_RECORDS - 1)];

    if ( trace_is_off(trace) )
        return;
    record->tsc_taken = tsc_taken;
    record->addr = request->addr;
    record->data = request->data;
    record->answer = slot_wants_data(request) ? request->answer : request->data;
    record->count = request->count;
    record->size = request->size;
    record->sequence = trace->count;
    record->vcpu = request->vcpu;
    record->type = request->type;
    record->bits = request->bits;
    record->origin = origin;
    record->tsc_answered = rdtsc();
    __atomic_store_n(&trace->count, trace->count + 1, __ATOMIC_RELEASE);
}

void lane_answer(struct lane *lane, const struct request *request, uint64_t tsc_taken, enum trace_origin origin)
{
    struct ioreq *slot = &lane->slots[request->vcpu];

    record(lane, request, tsc_taken, origin);
    if ( slot_wants_data(request) )
        slot->data = request->answer;
    slot_set_state(slot, STATE_IORESP_READY);
    /* A failure means that the channel, and with it the domain, is gone: nobody waits for the answer any more. */
    xen.xenevtchn_notify(lane->evtchn, lane->server->ports[request->vcpu]);
}

void lane_finish_entry(struct lane *lane, const struct request *request, unsigned int slots, uint64_t tsc_taken,
                       enum trace_origin origin)
{
    record(lane, request, tsc_taken, origin);
    ring_advance(&lane->ring, slots);
}

static void empty_ring(struct lane *lane, enum trace_origin origin)
{
    struct request entry = { 0 };

    /* No more than a ring full: the guest may go on writing. */
    for ( unsigned int handled = 0, slots; handled < RING_SLOTS; handled += slots )
    {
        slots = ring_take(&lane->ring, &entry);
        if ( !slots )
            break;
        lane_finish_entry(lane, &entry, slots, rdtsc(), origin);
    }
    lane->request.ring_damaged += entry.ring_damaged;
}

void lane_answer_open(struct lane *lane, enum trace_origin origin)
{
    if ( !lane->slots || !lane->server->bound )
        return;
    if ( lane->ring.page )
        empty_ring(lane, origin);
    for ( unsigned int vcpu = lane->first; vcpu < lane->end; vcpu++ )
    {
        struct ioreq *slot = &lane->slots[vcpu];
        unsigned int state = slot_state(slot);
        struct request request = { 0 };

        if ( state != STATE_IOREQ_READY && state != STATE_IOREQ_INPROCESS )
            continue;
        slot_take(slot, vcpu, &request);
        lane_answer(lane, &request, rdtsc(), origin);
    }
}

void server_stop_recording(struct server *server)
{
    for ( unsigned int i = 0; i < server->lane_count; i++ )
        __atomic_store_n(&server->lanes[i].trace.off, true, __ATOMIC_RELAXED);
}

void server_interrupt(struct server *server)
{
    for ( unsigned int i = 0; i < server->lane_count; i++ )
    {
        struct lane *lane = &server->lanes[i];

        __atomic_store_n(&lane->interrupted, 1, __ATOMIC_SEQ_CST);
        if ( lane->evtchn )
            xen.xenevtchn_notify(lane->evtchn, lane->kick);
    }
}

/* True when a vCPU has not taken its answer yet. */
static bool has_untaken(const struct server *server)
{
    for ( unsigned int vcpu = 0; server->bound && vcpu < process.vcpus; vcpu++ )
        if ( slot_state(&server->slots[vcpu]) == STATE_IORESP_READY )
            return true;
    return false;
}

/*
 * Xen forgets a vCPU's request with its server: it then completes with what its own copy holds, which is 0, whatever the
 * slot says (ioreq_server_deinit and vcpu_ioreq_handle_completion in xen/common/ioreq.c). So vCPUs get a moment to run
 * and take their answers. One that is paused, or whose domain is dead, does not.
 */
static void let_take(const struct server *server)
{
    const struct timespec pause = { .tv_nsec = TAKE_LOOK_NS };

    for ( unsigned int looks = 0; looks < TAKE_LOOKS && has_untaken(server); looks++ )
        nanosleep(&pause, NULL);
}

int server_stop(struct server *server, const char **call)
{
    int result = 0, error;

    if ( !server->enabled )
        return 0;
    server->enabled = false;
    if ( xen.xendevicemodel_set_ioreq_server_state(process.devicemodel, server->domid, server->id, 0) )
        result = FAILED("xendevicemodel_set_ioreq_server_state");
    /* Whether Xen has disabled it or not: what was sent until now still waits. */
    error = errno;
    for ( unsigned int i = 0; i < server->lane_count; i++ )
        lane_answer_open(&server->lanes[i], TRACE_CLOSING);
    let_take(server);
    errno = error;
    return result;
}

static int give_back(struct lane *lane, const char **call)
{
    struct server *server = lane->server;
    evtchn_port_t ports[MAX_VCPUS + 1];
    unsigned int count = 0;

    for ( unsigned int vcpu = lane->first; vcpu < lane->end; vcpu++ )
        ports[count++] = server->ports[vcpu];
    ports[count++] = lane->ring.page ? server->ring_port : 0;
    return evtchn_give_back(lane->evtchn, lane->kick, ports, count, call);
}

int server_close(struct server *server, const char **call)
{
    const char *first = NULL;
    int error = 0;

#define TRY(condition, what)   \
    if ( (condition) && !first ) \
    {                          \
        first = (what);        \
        error = errno;         \
    }

    if ( !server->open )
        return 0;
    TRY(server_stop(server, call), *call);
    TRY(xen.xendevicemodel_destroy_ioreq_server(process.devicemodel, server->domid, server->id),
        "xendevicemodel_destroy_ioreq_server");
    if ( server->resource )
        TRY(xen.xenforeignmemory_unmap_resource(process.foreignmemory, server->resource),
            "xenforeignmemory_unmap_resource");
    for ( unsigned int i = 0; i < server->lane_count; i++ )
    {
        struct lane *lane = &server->lanes[i];

        if ( lane->evtchn )
            TRY(give_back(lane, call), *call);
        trace_free(&lane->trace);
        /* What still holds its serve function finds nothing to serve (serve_next in hot_loop.c). */
        lane->slots = NULL;
        lane->ring.page = NULL;
        lane->evtchn = NULL;
        lane->end = lane->next_vcpu = lane->first;
        lane->taken = TAKEN_NOTHING;
        waiting_set(&lane->waiting, WAITING_BLOCK, 0);
    }
#undef TRY
    server->open = false;
    server->slots = NULL;
    server->ring = NULL;
    server->resource = NULL;
    server->bound = false;
    errno = error;
    return first ? FAILED(first) : 0;
}
