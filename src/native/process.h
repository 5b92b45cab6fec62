/* What the process has one of: its guest, the library handles, its servers. */
#ifndef IOREQLAB_PROCESS_H
#define IOREQLAB_PROCESS_H

#include "server.h"

struct process {
    domid_t domid;
    unsigned int vcpus;
    bool has_isa_interrupts; /* a PVH guest has none, and Xen does not survive being told of one: device_model_calls.c */
    xendevicemodel_handle *devicemodel;
    xenforeignmemory_handle *foreignmemory;
    struct server servers[MAX_SERVERS];
};

extern struct process process;

#endif
