/*
 * One ioreq server of the process's guest: its pages, its event channels and the request it is working on.
 *
 * Threads. A server is opened and closed by the process's main thread. Between that, exactly one thread serves it at a
 * time (hot_loop.h): only that thread uses the event channel handle to wait. Any thread may call server_interrupt().
 */
#ifndef IOREQLAB_SERVER_H
#define IOREQLAB_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "slot.h"
#include "trace.h"
#include "xen_libs.h"

#define MAX_SERVERS 8 /* MAX_NR_IOREQ_SERVERS of Xen 4.11 and later */
#define MAX_VCPUS 128 /* slots of one page */

/*
 * Who may answer the request that was taken: the low bits of struct server's owner. Above them is the request's number,
 * so that the watchdog never takes the next request for the one that it has watched. Changed by compare-and-swap only
 * while something is taken, so that it is answered once.
 */
enum owner {
    OWNER_NONE = 0,     /* nothing is taken: the serving thread waits */
    OWNER_HANDLER = 1,  /* the handler works on it */
    OWNER_WATCHDOG = 2, /* the watchdog took the server away from a stuck handler, for good */
    OWNER_MASK = 3,
    OWNER_BITS = 2,
};

/* The request as the handler reads it and its answer: what src/server/request.ts maps. Indices of 32-bit words. */
enum request_word {
    REQUEST_CODE, /* enum serve_code of the last call */
    REQUEST_VCPU,
    REQUEST_TYPE,
    REQUEST_BITS, /* bit 0 read, bit 1 data_is_ptr, bit 2 df */
    REQUEST_SIZE,
    REQUEST_COUNT,
    REQUEST_ADDR_LOW,
    REQUEST_ADDR_HIGH,
    REQUEST_DATA_LOW,
    REQUEST_DATA_HIGH,
    ANSWER_LOW,
    ANSWER_HIGH,
    REQUEST_REGION, /* JavaScript's: whose handler was called last */
    REQUEST_WORDS = 16,
};

struct server {
    bool open;
    domid_t domid;
    ioservid_t id;
    unsigned int vcpus;
    bool adopted; /* a process that has died left it */
    bool enabled;
    xenforeignmemory_resource_handle *resource;
    struct ioreq *slots; /* vcpus of them; shared with Xen */
    xenevtchn_handle *evtchn;
    evtchn_port_t ports[MAX_VCPUS]; /* our end of each vCPU's channel; valid once bound */
    bool bound;
    evtchn_port_t kick; /* notifying it ends a blocking wait */
    uint64_t spin_cycles; /* how long to look at the slots before blocking, in TSC cycles */

    /* the serving thread's */
    unsigned int next_vcpu; /* where to look first: round robin, so that no vCPU starves */
    int taken;              /* vCPU whose request is being answered, or -1 */
    struct ioreq request;   /* our copy of it */
    uint64_t tsc_taken;
    uint32_t words[REQUEST_WORDS]; /* enum request_word; shared with JavaScript */
    struct trace trace;
    struct reference *reference; /* the yardstick, when it serves (reference_server.h) */

    /* shared between threads */
    uint32_t interrupted; /* the serving thread is asked to come back */
    uint32_t owner;       /* enum owner, and the number of the request */
};

/*
 * All functions return 0, or -1 with errno set and *call naming the libxen function that failed.
 */
int server_open(struct server *server, domid_t domid, unsigned int vcpus, const char **call);

/* Takes over a server of this domain that a process of dom0 has left when it died. Then it is enabled, as a new one. */
int server_adopt(struct server *server, domid_t domid, unsigned int vcpus, ioservid_t id, const char **call);

int server_map_range(struct server *server, bool memory, uint64_t start, uint64_t end, const char **call);
int server_unmap_range(struct server *server, bool memory, uint64_t start, uint64_t end, const char **call);
int server_map_pci(struct server *server, uint32_t sbdf, const char **call);
int server_unmap_pci(struct server *server, uint32_t sbdf, const char **call);

/* Enables the server and binds a channel for each vCPU (Xen fills vp_eport only once it is enabled). */
int server_enable(struct server *server, const char **call);

/* Disables and answers what is open with all ones, so that nobody waits any more. Nobody may be serving. */
int server_stop(struct server *server, const char **call);

/*
 * The orderly end: stops, unbinds, unmaps, destroys, each step even if the one before failed (the domain may be gone).
 * Nobody may be serving. The server outlives its process otherwise: Xen ties it to the domain only
 * (ioreq_server_destroy in xen/common/ioreq.c).
 */
int server_close(struct server *server, const char **call);

/* Makes the serving thread come back with SERVE_INTERRUPTED. Any thread. */
void server_interrupt(struct server *server);

/* Writes an answer into a slot, makes it IORESP_READY and tells Xen. `origin` goes to the trace. */
void server_answer(struct server *server, unsigned int vcpu, const struct ioreq *request, uint64_t answer,
                   uint64_t tsc_taken, enum trace_origin origin);

/* Answers every request that waits in a slot with all ones. Returns how many. */
unsigned int server_answer_open(struct server *server, enum trace_origin origin);

static inline uint64_t rdtsc(void)
{
    uint32_t low, high;

    __asm__ volatile ( "rdtsc" : "=a" (low), "=d" (high) );
    return (uint64_t)high << 32 | low;
}

#endif
