#include "server.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "evtchn_pool.h"
#include "process.h"

#include <xen/hvm/hvm_op.h>
#include <xen/memory.h>

#define FAILED(what) (*call = (what), -1)

static int init(struct server *server, domid_t domid, unsigned int vcpus, const char **call)
{
    memset(server, 0, sizeof *server);
    server->domid = domid;
    server->vcpus = vcpus;
    server->taken = -1;
    return trace_init(&server->trace) ? FAILED("malloc") : 0;
}

/* What is needed of a server that Xen has; closes it when a call fails. */
static int open_existing(struct server *server, const char **call)
{
    const char *ignored;
    void *page = NULL;
    int error;

    server->open = true;
    server->resource = xen.xenforeignmemory_map_resource(
        process.foreignmemory, server->domid, XENMEM_resource_ioreq_server, server->id,
        XENMEM_resource_ioreq_server_frame_ioreq(0), 1, &page, PROT_READ | PROT_WRITE, 0);
    if ( server->resource )
    {
        server->slots = page;
        if ( !evtchn_take(&server->evtchn, &server->kick, call) )
            return 0;
    }
    else
        *call = "xenforeignmemory_map_resource";
    error = errno;
    server_close(server, &ignored);
    errno = error;
    return -1;
}

int server_open(struct server *server, domid_t domid, unsigned int vcpus, const char **call)
{
    int error;

    if ( init(server, domid, vcpus, call) )
        return -1;
    if ( xen.xendevicemodel_create_ioreq_server(process.devicemodel, domid, HVM_IOREQSRV_BUFIOREQ_OFF, &server->id) )
    {
        error = errno;
        trace_free(&server->trace);
        errno = error;
        return FAILED("xendevicemodel_create_ioreq_server");
    }
    return open_existing(server, call);
}

int server_adopt(struct server *server, domid_t domid, unsigned int vcpus, ioservid_t id, const char **call)
{
    if ( init(server, domid, vcpus, call) )
        return -1;
    server->id = id;
    server->adopted = true;
    return open_existing(server, call);
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

int server_enable(struct server *server, const char **call)
{
    if ( xen.xendevicemodel_set_ioreq_server_state(process.devicemodel, server->domid, server->id, 1) )
        return FAILED("xendevicemodel_set_ioreq_server_state");
    server->enabled = true;
    for ( unsigned int vcpu = 0; vcpu < server->vcpus; vcpu++ )
    {
        int port = xen.xenevtchn_bind_interdomain(server->evtchn, server->domid, server->slots[vcpu].vp_eport);

        if ( port < 0 )
            return FAILED("xenevtchn_bind_interdomain");
        server->ports[vcpu] = port;
        /* Its last device model may have died between the answer and the notification: Xen looks only when notified. */
        if ( server->adopted && slot_state(&server->slots[vcpu]) == STATE_IORESP_READY )
            xen.xenevtchn_notify(server->evtchn, port);
    }
    server->bound = true;
    return 0;
}

void server_answer(struct server *server, unsigned int vcpu, const struct ioreq *request, uint64_t answer,
                   uint64_t tsc_taken, enum trace_origin origin)
{
    struct ioreq *slot = &server->slots[vcpu];
    struct trace *trace = &server->trace;
    struct trace_record *record = &trace->records[trace->count & (TRACE_RECORDS - 1)];

    record->tsc_taken = tsc_taken;
    record->addr = request->addr;
    record->data = request->data;
    record->count = request->count;
    record->size = request->size;
    record->sequence = trace->count;
    record->vcpu = vcpu;
    record->type = request->type;
    record->bits = request->dir | request->data_is_ptr << 1 | request->df << 2;
    record->origin = origin;

    if ( slot_wants_data(request) )
        slot->data = answer;
    else
        answer = request->data;
    record->answer = answer;
    record->tsc_answered = rdtsc();
    __atomic_store_n(&trace->count, trace->count + 1, __ATOMIC_RELEASE);

    slot_set_state(slot, STATE_IORESP_READY);
    /* A failure means that the channel, and with it the domain, is gone: nobody waits for the answer any more. */
    xen.xenevtchn_notify(server->evtchn, server->ports[vcpu]);
}

unsigned int server_answer_open(struct server *server, enum trace_origin origin)
{
    unsigned int answered = 0;

    if ( !server->slots || !server->bound )
        return 0;
    for ( unsigned int vcpu = 0; vcpu < server->vcpus; vcpu++ )
    {
        struct ioreq *slot = &server->slots[vcpu];
        struct ioreq request;
        unsigned int state = slot_state(slot);

        if ( state != STATE_IOREQ_READY && state != STATE_IOREQ_INPROCESS )
            continue;
        slot_take(slot, &request);
        server_answer(server, vcpu, &request, UINT64_MAX, rdtsc(), origin);
        answered++;
    }
    return answered;
}

void server_interrupt(struct server *server)
{
    __atomic_store_n(&server->interrupted, 1, __ATOMIC_SEQ_CST);
    if ( server->evtchn )
        xen.xenevtchn_notify(server->evtchn, server->kick);
}

int server_stop(struct server *server, const char **call)
{
    int result = 0;

    if ( !server->enabled )
        return 0;
    server->enabled = false;
    if ( xen.xendevicemodel_set_ioreq_server_state(process.devicemodel, server->domid, server->id, 0) )
        result = FAILED("xendevicemodel_set_ioreq_server_state");
    /* Whether Xen has disabled it or not: what was sent until now still waits. */
    {
        int error = errno;

        server_answer_open(server, TRACE_CLOSING);
        errno = error;
    }
    return result;
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
    if ( server->evtchn )
        TRY(evtchn_give_back(server->evtchn, server->kick, server->ports, server->vcpus, call), *call);
#undef TRY
    trace_free(&server->trace);
    /* What still holds its serve function finds nothing to serve (serve_next in hot_loop.c). */
    server->open = false;
    server->slots = NULL;
    server->resource = NULL;
    server->evtchn = NULL;
    server->bound = false;
    server->vcpus = 0;
    server->spin_cycles = 0;
    server->taken = -1;
    errno = error;
    return first ? FAILED(first) : 0;
}
