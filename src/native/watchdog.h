/*
 * Answers in place of a handler that does not return, so that a stuck device model blocks no vCPU for good (Xen itself
 * never times out: wait_for_io in xen/common/ioreq.c).
 *
 * One thread looks at the lanes of all watched servers. When a handler has been at one request for longer than the limit,
 * the thread takes the lane away from it for good: that request and all later ones are answered with all ones, and
 * watchdog_fired() says so. A request costs the hot path nothing but the compare-and-swap of its owner.
 */
#ifndef IOREQLAB_WATCHDOG_H
#define IOREQLAB_WATCHDOG_H

#include "server.h"

/* Starts the thread, once per process. Returns 0 or a libuv error. */
int watchdog_start(uint64_t limit_ns);

/* Begins and ends the watch over a server. After watchdog_release() the thread does not touch it any more. */
void watchdog_watch(struct server *server);
void watchdog_release(struct server *server);

/* True when this lane was taken away from its handler. Any thread. */
bool watchdog_fired(const struct lane *lane);

#endif
