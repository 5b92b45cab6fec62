/*
 * A FAKE of libxendevicemodel, libxenforeignmemory, libxenevtchn and libxentoolcore, and of the piece of Xen behind them, for tests on
 * machines without Xen. It imitates what xen_libs.h lists as far as the addon can tell the difference: synchronous
 * slots, the buffered ring, event channels, one guest's memory. It proves nothing about Xen: the addon is tested end to end on the real
 * thing by the scenarios.
 *
 * The libraries carry the real sonames. fake.node depends on them, so once it is loaded into a process the dynamic
 * linker gives them to everybody who asks for those sonames: the addon under test is the one that goes to dom0. They
 * are built once for each Xen that they imitate, without what came later (the Makefile's RELEASES).
 *
 * Here: the state that the libraries share, and what tests do to it (controls.c). All functions are for any thread.
 * They return 0, or -1 with errno set, unless they say otherwise.
 */
#ifndef IOREQLAB_FAKE_XEN_H
#define IOREQLAB_FAKE_XEN_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/hvm/ioreq.h>

#define FAKE_DOMID 7
#define FAKE_VCPUS 8
#define FAKE_SERVERS 8
#define FAKE_FRAMES 64 /* the guest's memory, from gfn 0 */
#define FAKE_PAGE 4096u
#define FAKE_RANGES 600

/* HVMOP_IO_RANGE_* of Xen. */
enum fake_range_kind { FAKE_PORTS, FAKE_MEMORY, FAKE_PCI };

struct fake_range {
    enum fake_range_kind kind;
    uint64_t start, end;
};

/* What a process holds of Xen: all 0 when it has cleaned up. */
struct fake_held {
    unsigned int handles; /* of any library */
    unsigned int servers;
    unsigned int pages;  /* mapped resources */
    unsigned int frames; /* mapped frames of the guest */
    unsigned int ports;
};
extern struct fake_held fake_held;

/*
 * The process is restricted to its guest: no further handle can be opened, and no channel bound that is not the guest's. The
 * fake has no other guest to refuse.
 */
extern bool fake_restricted;

/* First thing in every library function: counts the call; true, with errno set, when a test wants it to fail. */
bool fake_refuses(const char *function);
#define REFUSED() fake_refuses(__func__)

/* Tests: the next `times` calls of a function fail with this errno. */
void fake_fail(const char *function, int error, unsigned int times);
unsigned int fake_calls(const char *function);
/* Tests: takes away the servers and pages that stayed because a call was made to fail. */
void fake_clear_up(void);

/* What a device model has told the guest or Xen, in order: calls.c. */
enum fake_told_kind {
    FAKE_ISA,      /* IRQ, level */
    FAKE_INTX,     /* device, line, level */
    FAKE_LINK,     /* link, IRQ */
    FAKE_MSI,      /* address, data */
    FAKE_EVENT,    /* vCPU, vector, type */
    FAKE_MODIFIED, /* first frame, how many */
};
struct fake_told {
    uint64_t kind, values[3];
};
#define FAKE_TOLD 1024
int fake_tell(enum fake_told_kind kind, uint64_t a, uint64_t b, uint64_t c);
/* Copies and forgets what was told; returns how many. */
unsigned int fake_told(struct fake_told *told);

/* servers.c */
int fake_create_server(int buffered, unsigned int *id);
int fake_destroy_server(unsigned int id);
int fake_enable_server(unsigned int id, bool enabled);
int fake_add_range(unsigned int id, struct fake_range range);
int fake_remove_range(unsigned int id, struct fake_range range);
/* Copies up to FAKE_RANGES of them; returns how many. */
int fake_ranges(unsigned int id, struct fake_range *ranges);
/* By which port Xen knows the ring's channel; 0 without a ring. */
int fake_ring_port(unsigned int id, unsigned int *port);
/* Another mapping of frames of a server (0 the ring, 1 the slots), to be unmapped by munmap; NULL with errno set. */
void *fake_map_frames(unsigned int id, unsigned int first, unsigned int count);
/* A memory file that holds the guest's memory. */
int fake_memory(void);

/*
 * vcpus.c: what Xen does on behalf of a vCPU. fake_post: writes the body, makes the slot READY, sends the event; EBUSY when the
 * slot is not free. fake_take: EAGAIN unless the server has notified the vCPU and its slot is IORESP_READY; frees it.
 * fake_access: both, with a deadline in between (ETIMEDOUT).
 */
int fake_post(unsigned int id, unsigned int vcpu, const struct ioreq *request);
int fake_take(unsigned int id, unsigned int vcpu, struct ioreq *answer);
int fake_access(unsigned int id, unsigned int vcpu, const struct ioreq *request, struct ioreq *answer);
/* How long a vCPU of fake_access takes to run once it is notified; 0 at first. Less than a second. */
void fake_dawdle(unsigned int microseconds);
/* What a device model does to a slot that it dies over: to any state, without a notification. */
int fake_set_state(unsigned int id, unsigned int vcpu, unsigned int state);
/*
 * So many accesses: each is made by the thread that answers the one before, without an event. The server has to spin.
 */
int fake_access_often(unsigned int id, unsigned int vcpu, const struct ioreq *request, unsigned int times);
/* The slot as it is now. */
int fake_slot(unsigned int id, unsigned int vcpu, struct ioreq *slot);
/*
 * Puts an entry into the ring as Xen does (ioreq_send_buffered), with its event, and subtracts multiples of 511 from both
 * pointers when the ring is ATOMIC. EAGAIN when it is full: Xen would use the slot; EINVAL for what cannot be buffered.
 */
int fake_buffer(unsigned int id, const struct ioreq *request);
/* The ring's two pointers, to be looked at and to be spoiled. */
int fake_ring_pointers(unsigned int id, uint32_t pointers[2]);
int fake_set_ring_pointers(unsigned int id, const uint32_t pointers[2]);
/* An event that stands for no request. */
int fake_send_event(unsigned int id, unsigned int vcpu);

/* event_channels.c: the device model's ends of channels, as /dev/xen/evtchn hands them out. */
struct fake_handle;
struct fake_handle *fake_open_handle(void);
int fake_close_handle(struct fake_handle *handle);
/* What the kernel does when a process dies: no port of any handle is bound any more. */
void fake_unbind_all(void);
int fake_handle_fd(struct fake_handle *handle);
/* Both return a port. */
int fake_bind_unbound(struct fake_handle *handle);
int fake_bind_peer(struct fake_handle *handle, unsigned int peer);
int fake_bind_vcpu(struct fake_handle *handle, unsigned int id, unsigned int vcpu);
int fake_unbind(struct fake_handle *handle, unsigned int port);
int fake_notify(struct fake_handle *handle, unsigned int port);
/* Blocks until one of the handle's ports is pending, masks and returns it. */
int fake_pending(struct fake_handle *handle);
int fake_unmask(struct fake_handle *handle, unsigned int port);
/* Raises a vCPU's channel. */
void fake_raise(unsigned int id, unsigned int vcpu);
/* Threads that are in fake_pending(). */
unsigned int fake_waiting(void);

/* vcpus.c, for event_channels.c: the port by which a guest's vCPU is known, and its wake-up. */
#define FAKE_RING_VCPU FAKE_VCPUS /* stands for the ring's channel */
bool fake_vcpu_of_port(unsigned int xen_port, unsigned int *id, unsigned int *vcpu);
void fake_wake(unsigned int id, unsigned int vcpu);

#endif
