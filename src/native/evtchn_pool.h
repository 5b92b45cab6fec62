/*
 * Handles of /dev/xen/evtchn, each with a kick: a channel of dom0 to itself, whose notification ends a blocking read of
 * the handle.
 *
 * Once the process is restricted to its guest (restrict.h) it can neither open a handle nor bind a channel that is not
 * the guest's (IOCTL_EVTCHN_RESTRICT_DOMID in Linux's drivers/xen/evtchn.c). So a stock of handles is made before that,
 * and what is given back is kept. Main thread.
 */
#ifndef IOREQLAB_EVTCHN_POOL_H
#define IOREQLAB_EVTCHN_POOL_H

#include "xen_libs.h"

/* All return 0, or -1 with errno set and *call naming the libxen function that failed. */

/* A handle from the stock, or a new one. ENFILE when the stock is used up and no new one can be made. */
int evtchn_take(xenevtchn_handle **handle, evtchn_port_t *kick, const char **call);

/* Unbinds the given ports but those that are 0, and takes the handle back, even if a call fails. */
int evtchn_give_back(xenevtchn_handle *handle, evtchn_port_t kick, const evtchn_port_t *ports, unsigned int count,
                     const char **call);

/* Makes a stock of so many handles, after which no new ones are made. */
int evtchn_stock_up(unsigned int count, const char **call);

#endif
