/*
 * Stands in for Xen's libraries below the unmodified addon: found by their sonames in a directory of their own. It has no
 * more than what the addon needs to serve; what the bench never calls is only there to be found.
 */
#include "link.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xendevicemodel.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>
#include <xentoolcore.h>

#include <xen/memory.h>

#define OWN_KICKED 1
#define OWN_KICK 2
#define OWN_PORT 3

struct xenevtchn_handle {
    int fd;
    unsigned int index;
    struct link_channel *channel; /* once it is bound */
};

static unsigned int servers, handles, bound;

static void *map(unsigned long frame, unsigned long frames)
{
    void *page = mmap(NULL, frames * LINK_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, LINK_FD_MEMORY, frame * LINK_PAGE);

    return page == MAP_FAILED ? NULL : page;
}

/* libxendevicemodel */

xendevicemodel_handle *xendevicemodel_open(struct xentoollog_logger *logger, unsigned int flags)
{
    (void)logger, (void)flags;
    return malloc(1);
}

int xendevicemodel_close(xendevicemodel_handle *handle)
{
    free(handle);
    return 0;
}

int xendevicemodel_create_ioreq_server(xendevicemodel_handle *handle, domid_t domid, int buffered, ioservid_t *id)
{
    (void)handle, (void)buffered;
    if ( domid != LINK_DOMID || servers == LINK_SERVERS )
    {
        errno = ENOSPC;
        return -1;
    }
    *id = servers++;
    return 0;
}

int xendevicemodel_destroy_ioreq_server(xendevicemodel_handle *handle, domid_t domid, ioservid_t id)
{
    (void)handle, (void)domid, (void)id;
    return 0;
}

int xendevicemodel_set_ioreq_server_state(xendevicemodel_handle *handle, domid_t domid, ioservid_t id, int enabled)
{
    (void)handle, (void)domid, (void)id, (void)enabled;
    return 0;
}

int xendevicemodel_map_io_range_to_ioreq_server(xendevicemodel_handle *handle, domid_t domid, ioservid_t id,
                                                int is_mmio, uint64_t start, uint64_t end)
{
    (void)handle, (void)domid, (void)id, (void)is_mmio, (void)start, (void)end;
    return 0;
}

/* libxenforeignmemory */

xenforeignmemory_handle *xenforeignmemory_open(struct xentoollog_logger *logger, unsigned int flags)
{
    (void)logger, (void)flags;
    return malloc(1);
}

int xenforeignmemory_close(xenforeignmemory_handle *handle)
{
    free(handle);
    return 0;
}

xenforeignmemory_resource_handle *xenforeignmemory_map_resource(xenforeignmemory_handle *handle, domid_t domid,
                                                                unsigned int type, unsigned int id, unsigned long frame,
                                                                unsigned long frames, void **address, int protection,
                                                                int flags)
{
    (void)handle, (void)protection, (void)flags;
    if ( domid != LINK_DOMID || type != XENMEM_resource_ioreq_server || id >= servers ||
         frame + frames > LINK_CHANNEL )
    {
        errno = EINVAL;
        return NULL;
    }
    /* The mapping stays as long as the process. */
    *address = map(frame, frames);
    return *address;
}

int xenforeignmemory_unmap_resource(xenforeignmemory_handle *handle, xenforeignmemory_resource_handle *resource)
{
    (void)handle, (void)resource;
    return 0;
}

/* libxenevtchn */

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
    xenevtchn_handle *handle;

    (void)logger, (void)flags;
    if ( handles == LINK_HANDLES || !(handle = calloc(1, sizeof *handle)) )
    {
        errno = ENOSPC;
        return NULL;
    }
    handle->index = handles++;
    handle->fd = LINK_FD_HANDLES + handle->index;
    return handle;
}

/* Not freed: a late kick may be on its way. */
int xenevtchn_close(xenevtchn_handle *handle)
{
    (void)handle;
    return 0;
}

int xenevtchn_fd(xenevtchn_handle *handle)
{
    return handle->fd;
}

xenevtchn_port_or_error_t xenevtchn_bind_unbound_port(xenevtchn_handle *handle, uint32_t domid)
{
    (void)handle, (void)domid;
    return OWN_KICKED;
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *handle, uint32_t domid, evtchn_port_t remote)
{
    if ( domid == DOMID_SELF && remote == OWN_KICKED )
        return OWN_KICK;
    /* Servers are bound in the order in which they were made. */
    if ( remote == LINK_REMOTE_PORT && bound < servers && (handle->channel = map(LINK_CHANNEL, 1)) )
    {
        __atomic_store_n(&handle->channel->handles[bound++], handle->index, __ATOMIC_RELEASE);
        return OWN_PORT;
    }
    errno = EINVAL;
    return -1;
}

int xenevtchn_unbind(xenevtchn_handle *handle, evtchn_port_t port)
{
    (void)handle, (void)port;
    return 0;
}

static int wake(int fd, uint64_t what)
{
    return write(fd, &what, sizeof what) == sizeof what ? 0 : -1;
}

int xenevtchn_notify(xenevtchn_handle *handle, evtchn_port_t port)
{
    if ( port == OWN_KICK )
        return wake(handle->fd, LINK_KICK);
    /* While nobody sleeps this line stays where it is, in both caches. */
    if ( __atomic_load_n(&handle->channel->sleeping, __ATOMIC_ACQUIRE) &&
         __atomic_exchange_n(&handle->channel->sleeping, 0, __ATOMIC_SEQ_CST) )
        return wake(LINK_FD_VCPU, 1);
    return 0;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *handle)
{
    uint64_t what;

    if ( read(handle->fd, &what, sizeof what) != sizeof what )
        return -1;
    return what & (LINK_KICK - 1) ? OWN_PORT : OWN_KICKED;
}

int xenevtchn_unmask(xenevtchn_handle *handle, evtchn_port_t port)
{
    /* A request that was posted while it was masked is seen by whoever looks after this. */
    if ( port == OWN_PORT )
        __atomic_exchange_n(&handle->channel->masked, 0, __ATOMIC_SEQ_CST);
    return 0;
}

/* What the addon wants to find and the bench never calls. */

#define NEVER(...)   \
    __VA_ARGS__      \
    {                \
        errno = ENOSYS; \
        return -1;   \
    }

#pragma GCC diagnostic ignored "-Wunused-parameter"

NEVER(int xendevicemodel_unmap_io_range_from_ioreq_server(xendevicemodel_handle *handle, domid_t domid, ioservid_t id,
                                                          int is_mmio, uint64_t start, uint64_t end))
NEVER(int xendevicemodel_get_ioreq_server_info(xendevicemodel_handle *handle, domid_t domid, ioservid_t id,
                                               xen_pfn_t *frame, xen_pfn_t *buffered, evtchn_port_t *port))
NEVER(int xendevicemodel_map_pcidev_to_ioreq_server(xendevicemodel_handle *handle, domid_t domid, ioservid_t id,
                                                    uint16_t segment, uint8_t bus, uint8_t device, uint8_t function))
NEVER(int xendevicemodel_unmap_pcidev_from_ioreq_server(xendevicemodel_handle *handle, domid_t domid, ioservid_t id,
                                                        uint16_t segment, uint8_t bus, uint8_t device,
                                                        uint8_t function))
NEVER(int xendevicemodel_set_isa_irq_level(xendevicemodel_handle *handle, domid_t domid, uint8_t irq,
                                           unsigned int level))
NEVER(int xendevicemodel_set_pci_intx_level(xendevicemodel_handle *handle, domid_t domid, uint16_t segment, uint8_t bus,
                                            uint8_t device, uint8_t intx, unsigned int level))
NEVER(int xendevicemodel_set_pci_link_route(xendevicemodel_handle *handle, domid_t domid, uint8_t link, uint8_t irq))
NEVER(int xendevicemodel_inject_msi(xendevicemodel_handle *handle, domid_t domid, uint64_t address, uint32_t data))
NEVER(int xendevicemodel_inject_event(xendevicemodel_handle *handle, domid_t domid, int vcpu, uint8_t vector,
                                      uint8_t type, uint32_t error, uint8_t length, uint64_t extra))
NEVER(int xendevicemodel_modified_memory(xendevicemodel_handle *handle, domid_t domid, uint64_t first, uint32_t count))
NEVER(int xendevicemodel_shutdown(xendevicemodel_handle *handle, domid_t domid, unsigned int reason))
NEVER(int xenforeignmemory_unmap(xenforeignmemory_handle *handle, void *address, size_t pages))
NEVER(int xentoolcore_restrict_all(domid_t domid))

void *xenforeignmemory_map(xenforeignmemory_handle *handle, uint32_t domid, int protection, size_t pages,
                           const xen_pfn_t frames[], int errors[])
{
    errno = ENOSYS;
    return NULL;
}
