/*
 * The yardstick: a device model without JavaScript. It serves through the same loop, the same calls and the same table
 * look-up as the TypeScript one; only the handler is C. What is left between the two is what TypeScript costs.
 */
#ifndef IOREQLAB_REFERENCE_SERVER_H
#define IOREQLAB_REFERENCE_SERVER_H

#include "hot_loop.h"

/*
 * Serves a register of 4 bytes at each of the given ports until it is interrupted or displaced. Blocks. The ports must
 * have been mapped to the server.
 */
enum serve_code reference_serve(struct server *server, const uint16_t *ports, unsigned int count);

#endif
