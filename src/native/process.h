/* What the process has one of: its guest, the library handles, its servers. */
#ifndef IOREQLAB_PROCESS_H
#define IOREQLAB_PROCESS_H

#include "server.h"

struct process {
    domid_t domid;
    unsigned int vcpus;
    xendevicemodel_handle *devicemodel;
    xenforeignmemory_handle *foreignmemory;
    struct server servers[MAX_SERVERS];
};

extern struct process process;

#endif
