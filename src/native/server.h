/*
 * One ioreq server of the process's guest: its pages, its event channels, and its lanes.
 *
 * A lane is what one thread serves: some of the guest's vCPUs, their event channels, the request that is worked on. A
 * server has one lane for all vCPUs, or one for each; the buffered ring is the first lane's.
 *
 * Threads. A server is opened and closed by the process's main thread. Between that, exactly one thread serves a lane at
 * a time (hot_loop.h): only that thread uses the lane's event channel handle to wait, as libxenevtchn demands. Any thread
 * may call server_interrupt().
 */
#ifndef IOREQLAB_SERVER_H
#define IOREQLAB_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "ring.h"
#include "slot.h"
#include "trace.h"
#include "waiting.h"
#include "xen_libs.h"

#define MAX_SERVERS 8 /* MAX_NR_IOREQ_SERVERS of Xen 4.11 and later */
#define MAX_VCPUS 128 /* slots of one page */

/*
 * Who may answer the request that was taken: the low bits of struct lane's owner. Above them is the request's number,
 * so that the watchdog never takes the next request for the one that it has watched. Changed by compare-and-swap only
 * while something is taken, so that it is answered once.
 */
enum owner {
    OWNER_NONE = 0,     /* nothing is taken: the serving thread waits */
    OWNER_HANDLER = 1,  /* the handler works on it */
    OWNER_WATCHDOG = 2, /* the watchdog took the lane away from a stuck handler, for good */
    OWNER_MASK = 3,
    OWNER_BITS = 2,
};

enum taken {
    TAKEN_NOTHING,
    TAKEN_SLOT,
    TAKEN_RING,
};

/* What the watchdog remembers of a lane; under its lock. */
struct watch {
    bool watched;
    uint32_t owner;    /* the lane's when it was last looked at; with the number of its request */
    uint64_t since_ns; /* when that was first seen */
};

struct lane {
    /* the serving thread's; shared with JavaScript */
    struct request request;

    /* the serving thread's */
    enum taken taken;
    unsigned int next_vcpu; /* where to look first: round robin, so that no vCPU starves */
    uint32_t number; /* of the request that was taken last */
    uint64_t tsc_taken;
    struct ioreq *slots; /* the server's */
    unsigned int first, end; /* its vCPUs: first <= vcpu < end */
    struct ring ring;
    struct trace trace;
    struct server *server;
    xenevtchn_handle *evtchn;
    evtchn_port_t kick; /* notifying it ends a blocking wait */
    struct watch watch;

    /* shared between threads */
    struct waiting waiting;
    uint32_t interrupted; /* the serving thread is asked to come back */
    uint32_t owner;       /* enum owner, and the number of the request */
};

struct server {
    bool open;
    domid_t domid;
    ioservid_t id;
    unsigned int vcpus;
    bool adopted; /* a process that has died left it */
    bool enabled;
    bool bound;
    xenforeignmemory_resource_handle *resource;
    struct ioreq *slots;          /* vcpus of them; shared with Xen */
    struct buffered_iopage *ring; /* or NULL; shared with Xen */
    evtchn_port_t ring_port;      /* our end of the ring's channel */
    evtchn_port_t ports[MAX_VCPUS]; /* our end of each vCPU's channel; valid once bound */
    unsigned int lane_count;
    struct reference *reference; /* the yardstick, when it serves (reference_server.h) */
    struct lane lanes[MAX_VCPUS]; /* their memory outlives the server: JavaScript maps it */
};

/* What a server is made of. */
struct server_options {
    int buffered; /* HVM_IOREQSRV_BUFIOREQ_* */
    bool lane_per_vcpu;
};

/*
 * All functions return 0, or -1 with errno set and *call naming the libxen function that failed.
 */
int server_open(struct server *server, domid_t domid, unsigned int vcpus, struct server_options options,
                const char **call);

/* Takes over a server of this domain that a process of dom0 has left when it died. Then it is enabled, as a new one. */
int server_adopt(struct server *server, domid_t domid, unsigned int vcpus, ioservid_t id, struct server_options options,
                 const char **call);

int server_map_range(struct server *server, bool memory, uint64_t start, uint64_t end, const char **call);
int server_unmap_range(struct server *server, bool memory, uint64_t start, uint64_t end, const char **call);
int server_map_pci(struct server *server, uint32_t sbdf, const char **call);
int server_unmap_pci(struct server *server, uint32_t sbdf, const char **call);

/* Enables the server and binds a channel for each vCPU (Xen fills vp_eport only once it is enabled) and the ring. */
int server_enable(struct server *server, const char **call);

/*
 * Disables, answers what is open with all ones, so that nobody waits any more, and lets the vCPUs take their answers.
 * Nobody may be serving.
 */
int server_stop(struct server *server, const char **call);

/*
 * The orderly end: stops, unbinds, unmaps, destroys, each step even if the one before failed (the domain may be gone).
 * Nobody may be serving. The server outlives its process otherwise: Xen ties it to the domain only
 * (ioreq_server_destroy in xen/common/ioreq.c).
 */
int server_close(struct server *server, const char **call);

/* From now on no request is recorded: for what recording costs. Any thread. */
void server_stop_recording(struct server *server);

/* Makes the serving threads come back with SERVE_INTERRUPTED. Any thread. */
void server_interrupt(struct server *server);

/* Writes the request's answer into its slot, makes it IORESP_READY and tells Xen. `origin` goes to the trace. */
void lane_answer(struct lane *lane, const struct request *request, uint64_t tsc_taken, enum trace_origin origin);

/* Records the ring's entry that was taken, and moves on. */
void lane_finish_entry(struct lane *lane, const struct request *request, unsigned int slots, uint64_t tsc_taken,
                       enum trace_origin origin);

/* Empties the lane's ring and answers every request that waits in a slot with all ones. */
void lane_answer_open(struct lane *lane, enum trace_origin origin);

static inline uint64_t rdtsc(void)
{
    uint32_t low, high;

    __asm__ volatile ( "rdtsc" : "=a" (low), "=d" (high) );
    return (uint64_t)high << 32 | low;
}

#endif
