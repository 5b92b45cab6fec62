/*
 * What the two processes of the bench share: vcpu.c plays Xen and the guest's vCPU, xen_link.c is the libraries that the
 * addon finds in place of Xen's. One page of slots, an eventfd for each direction; nothing else is between them.
 *
 * Both servers have the very same page, and serve in turn: how long a cache line takes from one core to another depends
 * on where it lies in physical memory, by more than what is to be measured.
 */
#ifndef IOREQLAB_BENCH_LINK_H
#define IOREQLAB_BENCH_LINK_H

#include <stdint.h>

#include <xen/xen.h>
#include <xen/hvm/ioreq.h>

#define LINK_PAGE 4096
#define LINK_SERVERS 2
#define LINK_HANDLES 16 /* of event channels: the servers', and a stock */
#define LINK_DOMID 1

/* The vCPU's end of the channels, as its slot tells it. */
#define LINK_REMOTE_PORT 100

/* The memory, in frames. The first two are numbered as Xen's resources are. */
enum link_frame {
    LINK_BUFFERED,
    LINK_SLOTS,
    LINK_CHANNEL,
    LINK_FRAMES,
};

struct link_channel {
    /* By server: which of the eventfds its thread reads; set when it binds the channel. */
    uint32_t handles[LINK_SERVERS];
    /*
     * As in Linux's drivers/xen/evtchn.c: an event masks its port until the device model unmasks it, and is not
     * delivered as long as it is masked.
     */
    uint32_t masked __attribute__((aligned(64)));
    /* The vCPU sleeps: it has to be woken with its eventfd. */
    uint32_t sleeping __attribute__((aligned(64)));
};

/* File descriptors that the device model's process inherits. */
enum link_fd {
    LINK_FD_MEMORY = 100, /* LINK_FRAMES pages */
    LINK_FD_VCPU,         /* an eventfd: to the vCPU */
    LINK_FD_HANDLES,      /* eventfds: to the servers */
    LINK_FD_END = LINK_FD_HANDLES + LINK_HANDLES,
};

/* Into an eventfd of a handle: something that is no event of a vCPU. */
#define LINK_KICK (1ull << 32)

#endif
