/* The fake libxendevicemodel.so.1: see fake_xen.h. */
#include "fake_xen.h"

#include <errno.h>
#include <stdlib.h>

#include <xen/hvm/dm_op.h>
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
    if ( REFUSED() || NO_SUCH_GUEST(domid) || (bufioreq > HVM_IOREQSRV_BUFIOREQ_ATOMIC && (errno = EINVAL)) ||
         fake_create_server(bufioreq, &created) )
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
    return REFUSED() || NO_SUCH_GUEST(domid) ? -1 : fake_add_range(id, (struct fake_range){ !!is_mmio, start, end });
}

int xendevicemodel_unmap_io_range_from_ioreq_server(xendevicemodel_handle *handle, domid_t domid, ioservid_t id,
                                                    int is_mmio, uint64_t start, uint64_t end)
{
    (void)handle;
    return REFUSED() || NO_SUCH_GUEST(domid) ? -1 : fake_remove_range(id, (struct fake_range){ !!is_mmio, start, end });
}

/* Frames are refused: the addon has mapped the pages as resources, and Xen allows one of the two. */
int xendevicemodel_get_ioreq_server_info(xendevicemodel_handle *handle, domid_t domid, ioservid_t id, xen_pfn_t *gfn,
                                         xen_pfn_t *ring_gfn, evtchn_port_t *ring_port)
{
    unsigned int port;

    (void)handle;
    if ( REFUSED() || NO_SUCH_GUEST(domid) || ((gfn || ring_gfn) && (errno = EPERM)) || fake_ring_port(id, &port) )
        return -1;
    if ( ring_port )
        *ring_port = port;
    return 0;
}

static struct fake_range pci_range(uint16_t segment, uint8_t bus, uint8_t device, uint8_t function)
{
    uint64_t sbdf = (uint64_t)segment << 16 | bus << 8 | device << 3 | function;

    return (struct fake_range){ FAKE_PCI, sbdf, sbdf };
}

int xendevicemodel_map_pcidev_to_ioreq_server(xendevicemodel_handle *handle, domid_t domid, ioservid_t id,
                                              uint16_t segment, uint8_t bus, uint8_t device, uint8_t function)
{
    (void)handle;
    return REFUSED() || NO_SUCH_GUEST(domid) ? -1 : fake_add_range(id, pci_range(segment, bus, device, function));
}

int xendevicemodel_unmap_pcidev_from_ioreq_server(xendevicemodel_handle *handle, domid_t domid, ioservid_t id,
                                                  uint16_t segment, uint8_t bus, uint8_t device, uint8_t function)
{
    (void)handle;
    return REFUSED() || NO_SUCH_GUEST(domid) ? -1 : fake_remove_range(id, pci_range(segment, bus, device, function));
}

int xendevicemodel_set_isa_irq_level(xendevicemodel_handle *handle, domid_t domid, uint8_t irq, unsigned int level)
{
    (void)handle;
    return REFUSED() || NO_SUCH_GUEST(domid) ? -1 : fake_tell(FAKE_ISA, irq, level, 0);
}

int xendevicemodel_set_pci_intx_level(xendevicemodel_handle *handle, domid_t domid, uint16_t segment, uint8_t bus,
                                      uint8_t device, uint8_t intx, unsigned int level)
{
    (void)handle;
    if ( REFUSED() || NO_SUCH_GUEST(domid) || ((segment || bus) && (errno = EINVAL)) )
        return -1;
    return fake_tell(FAKE_INTX, device, intx, level);
}

int xendevicemodel_set_pci_link_route(xendevicemodel_handle *handle, domid_t domid, uint8_t link, uint8_t irq)
{
    (void)handle;
    return REFUSED() || NO_SUCH_GUEST(domid) ? -1 : fake_tell(FAKE_LINK, link, irq, 0);
}

int xendevicemodel_inject_msi(xendevicemodel_handle *handle, domid_t domid, uint64_t msi_addr, uint32_t msi_data)
{
    (void)handle;
    return REFUSED() || NO_SUCH_GUEST(domid) ? -1 : fake_tell(FAKE_MSI, msi_addr, msi_data, 0);
}

int xendevicemodel_inject_event(xendevicemodel_handle *handle, domid_t domid, int vcpu, uint8_t vector, uint8_t type,
                                uint32_t error_code, uint8_t insn_len, uint64_t extra)
{
    (void)handle, (void)error_code, (void)insn_len, (void)extra;
    return REFUSED() || NO_SUCH_GUEST(domid) ? -1 : fake_tell(FAKE_EVENT, vcpu, vector, type);
}

int xendevicemodel_modified_memory(xendevicemodel_handle *handle, domid_t domid, uint64_t first_pfn, uint32_t nr)
{
    (void)handle;
    return REFUSED() || NO_SUCH_GUEST(domid) ? -1 : fake_tell(FAKE_MODIFIED, first_pfn, nr, 0);
}

#if RELEASE >= 412
int xendevicemodel_modified_memory_bulk(xendevicemodel_handle *handle, domid_t domid,
                                        struct xen_dm_op_modified_memory_extent *extents, uint32_t nr)
{
    (void)handle;
    if ( REFUSED() || NO_SUCH_GUEST(domid) )
        return -1;
    for ( uint32_t i = 0; i < nr; i++ )
        fake_tell(FAKE_MODIFIED, extents[i].first_pfn, extents[i].nr, 0);
    return 0;
}
#endif

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
