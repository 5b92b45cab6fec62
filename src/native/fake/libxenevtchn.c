/* The fake libxenevtchn.so.1: see fake_xen.h. */
#include "fake_xen.h"

#include <errno.h>
#include <stdlib.h>

#include <xenevtchn.h>

struct xenevtchn_handle {
    struct fake_handle *ports;
};

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
    xenevtchn_handle *handle;

    (void)logger, (void)flags;
    if ( REFUSED() )
        return NULL;
    handle = malloc(sizeof *handle);
    handle->ports = fake_open_handle();
    if ( !handle->ports )
    {
        free(handle);
        return NULL;
    }
    fake_held.handles++;
    return handle;
}

/* The handle is gone even if this fails, as with close(2). */
int xenevtchn_close(xenevtchn_handle *handle)
{
    bool refused = REFUSED();

    fake_held.handles--;
    fake_close_handle(handle->ports);
    free(handle);
    return refused ? -1 : 0;
}

int xenevtchn_fd(xenevtchn_handle *handle)
{
    return REFUSED() ? -1 : fake_handle_fd(handle->ports);
}

xenevtchn_port_or_error_t xenevtchn_bind_unbound_port(xenevtchn_handle *handle, uint32_t domid)
{
    (void)domid;
    return REFUSED() ? -1 : fake_bind_unbound(handle->ports);
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *handle, uint32_t domid, evtchn_port_t remote)
{
    unsigned int id, vcpu;

    if ( REFUSED() )
        return -1;
    if ( domid == DOMID_SELF )
        return fake_bind_peer(handle->ports, remote);
    if ( domid != FAKE_DOMID || !fake_vcpu_of_port(remote, &id, &vcpu) )
    {
        errno = EINVAL;
        return -1;
    }
    return fake_bind_vcpu(handle->ports, id, vcpu);
}

int xenevtchn_unbind(xenevtchn_handle *handle, evtchn_port_t port)
{
    return REFUSED() ? -1 : fake_unbind(handle->ports, port);
}

int xenevtchn_notify(xenevtchn_handle *handle, evtchn_port_t port)
{
    return REFUSED() ? -1 : fake_notify(handle->ports, port);
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *handle)
{
    return REFUSED() ? -1 : fake_pending(handle->ports);
}

int xenevtchn_unmask(xenevtchn_handle *handle, evtchn_port_t port)
{
    return REFUSED() ? -1 : fake_unmask(handle->ports, port);
}
