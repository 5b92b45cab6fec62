/* What servers.c and vcpus.c share: the hypervisor's view of ioreq servers. */
#ifndef IOREQLAB_FAKE_HYPERVISOR_H
#define IOREQLAB_FAKE_HYPERVISOR_H

#include "fake_xen.h"

#include <errno.h>
#include <pthread.h>

struct fake_server {
    bool exists, enabled;
    int buffered; /* HVM_IOREQSRV_BUFIOREQ_* */
    int file; /* of its two frames */
    struct buffered_iopage *ring;
    struct ioreq *slots;
    unsigned int notified[FAKE_VCPUS + 1];
    struct fake_range ranges[FAKE_RANGES];
    unsigned int range_count;
};

struct hypervisor {
    pthread_mutex_t lock; /* of all below, and of Xen's writes to the pages */
    pthread_cond_t notified;
    struct fake_server servers[FAKE_SERVERS];
};
extern struct hypervisor hypervisor;

#define LOCKED(result)                            \
    ({                                            \
        pthread_mutex_lock(&hypervisor.lock);     \
        __typeof__(result) result_ = (result);    \
        pthread_mutex_unlock(&hypervisor.lock);   \
        result_;                                  \
    })
#define FAIL(error) (errno = (error), -1)

/* vCPU v of server s is known to Xen by this port plus s * (FAKE_VCPUS + 1) + v; the ring comes after the vCPUs. */
#define FIRST_XEN_PORT 1000
#define XEN_PORT(id, vcpu) (FIRST_XEN_PORT + (id) * (FAKE_VCPUS + 1) + (vcpu))

/* The server that exists under this id, or NULL with errno set. Under the lock. */
struct fake_server *server_of(unsigned int id);

#endif
