/*
 * Xen's stable libraries, opened at run time by their sonames (tools/libs in xen.git), so that one addon serves every
 * Xen from 4.11 on, loads on machines without Xen, and can name what a version lacks.
 */
#ifndef IOREQLAB_XEN_LIBS_H
#define IOREQLAB_XEN_LIBS_H

#include <stdbool.h>
#include <stddef.h>

#include <xendevicemodel.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>
#include <xentoolcore.h>

/* X(library, function, the Xen release that brought it) */
#define XEN_FUNCTIONS(X)                                              \
    X(devicemodel, xendevicemodel_open, "4.9")                        \
    X(devicemodel, xendevicemodel_close, "4.9")                       \
    X(devicemodel, xendevicemodel_create_ioreq_server, "4.9")         \
    X(devicemodel, xendevicemodel_destroy_ioreq_server, "4.9")        \
    X(devicemodel, xendevicemodel_set_ioreq_server_state, "4.9")      \
    X(devicemodel, xendevicemodel_map_io_range_to_ioreq_server, "4.9") \
    X(devicemodel, xendevicemodel_unmap_io_range_from_ioreq_server, "4.9") \
    X(devicemodel, xendevicemodel_map_pcidev_to_ioreq_server, "4.9")  \
    X(devicemodel, xendevicemodel_unmap_pcidev_from_ioreq_server, "4.9") \
    X(devicemodel, xendevicemodel_get_ioreq_server_info, "4.9")       \
    X(devicemodel, xendevicemodel_set_isa_irq_level, "4.9")           \
    X(devicemodel, xendevicemodel_set_pci_intx_level, "4.9")          \
    X(devicemodel, xendevicemodel_set_pci_link_route, "4.9")          \
    X(devicemodel, xendevicemodel_inject_msi, "4.9")                  \
    X(devicemodel, xendevicemodel_inject_event, "4.9")                \
    X(devicemodel, xendevicemodel_modified_memory, "4.9")             \
    X(devicemodel, xendevicemodel_modified_memory_bulk, "4.12")       \
    X(devicemodel, xendevicemodel_shutdown, "4.10")                   \
    X(devicemodel, xendevicemodel_nr_vcpus, "4.15")                   \
    X(foreignmemory, xenforeignmemory_open, "4.7")                    \
    X(foreignmemory, xenforeignmemory_close, "4.7")                   \
    X(foreignmemory, xenforeignmemory_map, "4.7")                     \
    X(foreignmemory, xenforeignmemory_unmap, "4.7")                   \
    X(foreignmemory, xenforeignmemory_map_resource, "4.11")           \
    X(foreignmemory, xenforeignmemory_unmap_resource, "4.11")         \
    X(evtchn, xenevtchn_open, "4.7")                                  \
    X(evtchn, xenevtchn_close, "4.7")                                 \
    X(evtchn, xenevtchn_fd, "4.7")                                    \
    X(evtchn, xenevtchn_bind_unbound_port, "4.7")                     \
    X(evtchn, xenevtchn_bind_interdomain, "4.7")                      \
    X(evtchn, xenevtchn_unbind, "4.7")                                \
    X(evtchn, xenevtchn_notify, "4.7")                                \
    X(evtchn, xenevtchn_pending, "4.7")                               \
    X(evtchn, xenevtchn_unmask, "4.7")                                \
    X(toolcore, xentoolcore_restrict_all, "4.10")

/* What only tests of Xen itself call: nothing that serves a guest needs it, so a host may lack it. */
#define XEN_PROBE_FUNCTIONS(X)                                        \
    X(devicemodel, xendevicemodel_map_mem_type_to_ioreq_server, "4.9")\
    X(devicemodel, xendevicemodel_track_dirty_vram, "4.9")            \
    X(devicemodel, xendevicemodel_set_mem_type, "4.9")                \
    X(devicemodel, xendevicemodel_relocate_memory, "4.11")            \
    X(devicemodel, xendevicemodel_pin_memory_cacheattr, "4.11")

/* A null pointer where the host's library has no such function. */
struct xen_libs {
#define XEN_FIELD(library, function, since) __typeof__(&function) function;
    XEN_FUNCTIONS(XEN_FIELD)
    XEN_PROBE_FUNCTIONS(XEN_FIELD)
#undef XEN_FIELD
};

extern struct xen_libs xen;

struct xen_function {
    const char *name;
    const char *library; /* soname */
    const char *since;   /* the Xen release that brought it */
    size_t offset;       /* of its pointer in struct xen_libs */
};

/* First what serving a guest needs, xen_function_count of them; then the probes. */
extern const struct xen_function xen_functions[];
extern const size_t xen_function_count;

/* Opens the libraries once per process. Any thread. */
void xen_libs_load(void);

/* True when the function that this entry describes was found. */
bool xen_function_present(const struct xen_function *function);

/* The entry of the function whose pointer lies at this offset of struct xen_libs. */
const struct xen_function *xen_function_at(size_t offset);

#endif
