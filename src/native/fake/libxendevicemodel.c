/* The fake libxendevicemodel.so.1: see fake_xen.h. */
#include "fake_xen.h"

#include <errno.h>
#include <stdlib.h>

#include <xen/hvm/hvm_op.h>
#include <xendevicemodel.h>

struct xendevicemodel_handle {
    char unused;
};

#define NO_SUCH_GUEST(domid) ((domid) != FAKE_DOMID && (errno = ESRCH))

xendevicemodel_handle *xendevicemodel_open(struct xentoollog_logger *logger, unsigned int flags)
{
    (void)logger, (void)flags;
    if ( REFUSED() )
        return NULL;
    fake_held.handles++;
    return malloc(sizeof(xendevicemodel_handle));
}

int xendevicemodel_close(xendevicemodel_handle *handle)
{
    if ( REFUSED() )
        return -1;
    fake_held.handles--;
    free(handle);
    return 0;
}

int xendevicemodel_create_ioreq_server(xendevicemodel_handle *handle, domid_t domid, int bufioreq, ioservid_t *id)
{
    unsigned int created = 0;

    (void)handle;
    if ( REFUSED() || NO_SUCH_GUEST(domid) || (bufioreq != HVM_IOREQSRV_BUFIOREQ_OFF && (errno = EINVAL)) ||
         fake_create_server(&created) )
        return -1;
    *id = created;
    return 0;
}

int xendevicemodel_destroy_ioreq_server(xendevicemodel_handle *handle, domid_t domid, ioservid_t id)
{
    (void)handle;
    return REFUSED() || NO_SUCH_GUEST(domid) ? -1 : fake_destroy_server(id);
}

int xendevicemodel_set_ioreq_server_state(xendevicemodel_handle *handle, domid_t domid, ioservid_t id, int enabled)
{
    (void)handle;
    return REFUSED() || NO_SUCH_GUEST(domid) ? -1 : fake_enable_server(id, enabled);
}

int xendevicemodel_map_io_range_to_ioreq_server(xendevicemodel_handle *handle, domid_t domid, ioservid_t id,
                                                int is_mmio, uint64_t start, uint64_t end)
{
    (void)handle;
    return REFUSED() || NO_SUCH_GUEST(domid) ? -1 : fake_add_range(id, (struct fake_range){ is_mmio, start, end });
}

int xendevicemodel_unmap_io_range_from_ioreq_server(xendevicemodel_handle *handle, domid_t domid, ioservid_t id,
                                                    int is_mmio, uint64_t start, uint64_t end)
{
    (void)handle;
    return REFUSED() || NO_SUCH_GUEST(domid) ? -1 : fake_remove_range(id, (struct fake_range){ is_mmio, start, end });
}

int xendevicemodel_get_ioreq_server_info(xendevicemodel_handle *handle, domid_t domid, ioservid_t id, xen_pfn_t *gfn,
                                         xen_pfn_t *buffered_gfn, evtchn_port_t *port)
{
    (void)handle;
    if ( REFUSED() || NO_SUCH_GUEST(domid) || ((gfn || buffered_gfn) && (errno = EINVAL)) || fake_find_server(id) )
        return -1;
    *port = 0;
    return 0;
}

int xendevicemodel_shutdown(xendevicemodel_handle *handle, domid_t domid, unsigned int reason)
{
    (void)handle, (void)reason;
    return REFUSED() || NO_SUCH_GUEST(domid) ? -1 : 0;
}

#if RELEASE >= 415
int xendevicemodel_nr_vcpus(xendevicemodel_handle *handle, domid_t domid, unsigned int *vcpus)
{
    (void)handle;
    if ( REFUSED() || NO_SUCH_GUEST(domid) )
        return -1;
    *vcpus = FAKE_VCPUS;
    return 0;
}
#endif
