/*
 * The yardstick: a device model without JavaScript. It serves through the same loop, the same calls and the same table
 * look-up as the TypeScript one, in threads of its own; only the handler is C. What is left between the two is what
 * TypeScript costs.
 */
#ifndef IOREQLAB_REFERENCE_SERVER_H
#define IOREQLAB_REFERENCE_SERVER_H

#include "hot_loop.h"

#define MAX_REFERENCE_RANGES 256 /* of each kind; as many as Xen lets a server have (MAX_NR_IO_RANGES) */
#define REFERENCE_BYTES 4 /* of each register */

/* What it answers: registers, or one value to everything. */
struct reference_setup {
    const uint16_t *ports;
    unsigned int port_count;
    const double *addresses; /* whole numbers */
    unsigned int address_count;
    unsigned int scans; /* how often it looks at all registers in vain before it looks one up: slower on purpose */
    bool constant;
    uint64_t value; /* when constant: what every read gets */
};

/*
 * Starts a thread for each lane. The ranges must have been mapped to the server, or will be. Returns 0 or a libuv error
 * (UV_EEXIST when registers overlap). Main thread.
 */
int reference_start(struct server *server, const struct reference_setup *setup);

/* Ends the threads, if there are any, and waits for them. Main thread. */
void reference_stop(struct server *server);

#endif
