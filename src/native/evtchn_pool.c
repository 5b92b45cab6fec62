#include "evtchn_pool.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define FAILED(what) (*call = (what), -1)

struct stocked {
    struct stocked *next;
    xenevtchn_handle *handle;
    evtchn_port_t kick;
};

/* Entries without a handle wait to be filled again: giving back allocates nothing. */
static struct stocked *full, *empty;
static bool is_final;

static int make(xenevtchn_handle **made, evtchn_port_t *kick, const char **call)
{
    xenevtchn_handle *handle = xen.xenevtchn_open(NULL, 0);
    int kicked, port, error;

    if ( !handle )
        return FAILED("xenevtchn_open");
    kicked = xen.xenevtchn_bind_unbound_port(handle, DOMID_SELF);
    port = kicked < 0 ? -1 : xen.xenevtchn_bind_interdomain(handle, DOMID_SELF, kicked);
    if ( port < 0 )
    {
        error = errno;
        xen.xenevtchn_close(handle);
        errno = error;
        return FAILED(kicked < 0 ? "xenevtchn_bind_unbound_port" : "xenevtchn_bind_interdomain");
    }
    *made = handle;
    *kick = port;
    return 0;
}

static void move(struct stocked **from, struct stocked **to)
{
    struct stocked *entry = *from;

    *from = entry->next;
    entry->next = *to;
    *to = entry;
}

int evtchn_take(xenevtchn_handle **handle, evtchn_port_t *kick, const char **call)
{
    if ( !is_final )
        return make(handle, kick, call);
    if ( !full )
    {
        errno = ENFILE;
        return FAILED("xenevtchn_open");
    }
    *handle = full->handle;
    *kick = full->kick;
    move(&full, &empty);
    return 0;
}

int evtchn_give_back(xenevtchn_handle *handle, evtchn_port_t kick, const evtchn_port_t *ports, unsigned int count,
                     const char **call)
{
    int result = 0;

    if ( !is_final || !empty )
        return xen.xenevtchn_close(handle) ? FAILED("xenevtchn_close") : 0;
    for ( unsigned int i = 0; i < count; i++ )
        if ( ports[i] && xen.xenevtchn_unbind(handle, ports[i]) )
            result = FAILED("xenevtchn_unbind");
    /* Events that were not read stay in the handle. They stand for no request of whoever has it next, who looks anyway. */
    empty->handle = handle;
    empty->kick = kick;
    move(&empty, &full);
    return result;
}

int evtchn_stock_up(unsigned int count, const char **call)
{
    for ( unsigned int i = 0; i < count; i++ )
    {
        struct stocked *entry = calloc(1, sizeof *entry);

        if ( !entry )
            return FAILED("malloc");
        if ( make(&entry->handle, &entry->kick, call) )
        {
            free(entry);
            return -1;
        }
        entry->next = full;
        full = entry;
    }
    is_final = true;
    return 0;
}
