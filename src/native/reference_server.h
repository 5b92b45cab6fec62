/*
 * The yardstick: a device model without JavaScript. It serves through the same loop, the same calls and the same table
 * look-up as the TypeScript one, in a thread of its own; only the handler is C. What is left between the two is what
 * TypeScript costs.
 */
#ifndef IOREQLAB_REFERENCE_SERVER_H
#define IOREQLAB_REFERENCE_SERVER_H

#include "hot_loop.h"

#define MAX_REFERENCE_PORTS 256

/*
 * Starts a thread that serves a register of 4 bytes at each of these ports, which must have been mapped to the server.
 * Returns 0 or a libuv error. Main thread.
 */
int reference_start(struct server *server, const uint16_t *ports, unsigned int count);

/* Ends the thread, if there is one, and waits for it. Main thread. */
void reference_stop(struct server *server);

#endif
