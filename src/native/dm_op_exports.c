/*
 * Operations on the guest as Xen's libraries have them, for tests of Xen itself: nothing is checked here but that a
 * value fits its type, so that what Xen refuses reaches Xen. src/xen/addon.ts declares and documents it.
 */
#include "dm_op_exports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "evtchn_pool.h"
#include "js.h"
#include "process.h"
#include "server_exports.h"

#include <xen/memory.h>

#define PAGE_SIZE 4096u
#define MAX_ARGUMENTS 7
#define MAX_VALUES 3
#define MAX_TRACKED (1u << 18) /* frames of 1 GiB: more is refused by Xen before it writes */
#define MAX_RESOURCES 64

struct call {
    const char *op;
    size_t function; /* offset in struct xen_libs */
    unsigned int arguments;
    /* What libxendevicemodel gave; `values` of them. */
    int (*make)(const uint64_t *argument, uint64_t *value, unsigned int *values);
};

#define HANDLE process.devicemodel, process.domid
#define CALL(name) \
    static int name(const uint64_t *a __attribute__((unused)), uint64_t *v __attribute__((unused)), \
                    unsigned int *n __attribute__((unused)))

CALL(create)
{
    ioservid_t id = 0;
    int result = xen.xendevicemodel_create_ioreq_server(HANDLE, a[0], &id);

    v[(*n)++] = id;
    return result;
}

CALL(get_info)
{
    xen_pfn_t ioreq = 0, buffered = 0;
    evtchn_port_t port = 0;
    int result =
        xen.xendevicemodel_get_ioreq_server_info(HANDLE, a[0], a[1] ? &ioreq : NULL, a[1] ? &buffered : NULL, &port);

    v[(*n)++] = ioreq;
    v[(*n)++] = buffered;
    v[(*n)++] = port;
    return result;
}

CALL(add_range)
{
    return xen.xendevicemodel_map_io_range_to_ioreq_server(HANDLE, a[0], a[1], a[2], a[3]);
}

CALL(remove_range)
{
    return xen.xendevicemodel_unmap_io_range_from_ioreq_server(HANDLE, a[0], a[1], a[2], a[3]);
}

CALL(map_pci)
{
    return xen.xendevicemodel_map_pcidev_to_ioreq_server(HANDLE, a[0], a[1], a[2], a[3], a[4]);
}

CALL(unmap_pci)
{
    return xen.xendevicemodel_unmap_pcidev_from_ioreq_server(HANDLE, a[0], a[1], a[2], a[3], a[4]);
}

CALL(map_mem_type)
{
    return xen.xendevicemodel_map_mem_type_to_ioreq_server(HANDLE, a[0], a[1], a[2]);
}

CALL(set_state)
{
    return xen.xendevicemodel_set_ioreq_server_state(HANDLE, a[0], a[1]);
}

CALL(destroy)
{
    return xen.xendevicemodel_destroy_ioreq_server(HANDLE, a[0]);
}

CALL(track_vram)
{
    unsigned long *bitmap = calloc(MAX_TRACKED / 8, 1);
    int result, error;
    uint64_t dirty = 0;

    if ( !bitmap )
        return -1;
    result = xen.xendevicemodel_track_dirty_vram(HANDLE, a[0], a[1], bitmap);
    error = errno;
    for ( uint64_t frame = 0; !result && frame < a[1]; frame++ )
        dirty += bitmap[frame / 64] >> (frame % 64) & 1;
    free(bitmap);
    errno = error;
    v[(*n)++] = dirty;
    return result;
}

CALL(set_intx)
{
    return xen.xendevicemodel_set_pci_intx_level(HANDLE, a[0], a[1], a[2], a[3], a[4]);
}

CALL(set_isa)
{
    return xen.xendevicemodel_set_isa_irq_level(HANDLE, a[0], a[1]);
}

CALL(set_link)
{
    return xen.xendevicemodel_set_pci_link_route(HANDLE, a[0], a[1]);
}

CALL(inject_msi)
{
    return xen.xendevicemodel_inject_msi(HANDLE, a[0], a[1]);
}

CALL(inject_event)
{
    return xen.xendevicemodel_inject_event(HANDLE, a[0], a[1], a[2], a[3], a[4], a[5]);
}

CALL(modified)
{
    return xen.xendevicemodel_modified_memory(HANDLE, a[0], a[1]);
}

CALL(set_mem_type)
{
    return xen.xendevicemodel_set_mem_type(HANDLE, a[0], a[1], a[2]);
}

CALL(relocate)
{
    return xen.xendevicemodel_relocate_memory(HANDLE, a[0], a[1], a[2]);
}

CALL(pin)
{
    return xen.xendevicemodel_pin_memory_cacheattr(HANDLE, a[0], a[1], a[2]);
}

CALL(nr_vcpus)
{
    unsigned int vcpus = 0;
    int result = xen.xendevicemodel_nr_vcpus(HANDLE, &vcpus);

    v[(*n)++] = vcpus;
    return result;
}

CALL(shut_down)
{
    return xen.xendevicemodel_shutdown(HANDLE, a[0]);
}

#define OF(function) offsetof(struct xen_libs, xendevicemodel_##function)

static const struct call calls[] = {
    { "createIoreqServer", OF(create_ioreq_server), 1, create },
    { "getIoreqServerInfo", OF(get_ioreq_server_info), 2, get_info },
    { "mapIoRange", OF(map_io_range_to_ioreq_server), 4, add_range },
    { "unmapIoRange", OF(unmap_io_range_from_ioreq_server), 4, remove_range },
    { "mapPcidev", OF(map_pcidev_to_ioreq_server), 5, map_pci },
    { "unmapPcidev", OF(unmap_pcidev_from_ioreq_server), 5, unmap_pci },
    { "mapMemType", OF(map_mem_type_to_ioreq_server), 3, map_mem_type },
    { "setIoreqServerState", OF(set_ioreq_server_state), 2, set_state },
    { "destroyIoreqServer", OF(destroy_ioreq_server), 1, destroy },
    { "trackDirtyVram", OF(track_dirty_vram), 2, track_vram },
    { "setPciIntxLevel", OF(set_pci_intx_level), 5, set_intx },
    { "setIsaIrqLevel", OF(set_isa_irq_level), 2, set_isa },
    { "setPciLinkRoute", OF(set_pci_link_route), 2, set_link },
    { "injectMsi", OF(inject_msi), 2, inject_msi },
    { "injectEvent", OF(inject_event), 6, inject_event },
    { "modifiedMemory", OF(modified_memory), 2, modified },
    { "setMemType", OF(set_mem_type), 3, set_mem_type },
    { "relocateMemory", OF(relocate_memory), 3, relocate },
    { "pinMemoryCacheattr", OF(pin_memory_cacheattr), 3, pin },
    { "nrVcpus", OF(nr_vcpus), 0, nr_vcpus },
    { "remoteShutdown", OF(shutdown), 1, shut_down },
};

static bool addon_u64(napi_env env, napi_value value, uint64_t *result)
{
    napi_valuetype type;
    bool lossless;

    if ( napi_typeof(env, value, &type) == napi_ok && type == napi_bigint )
        return napi_get_value_bigint_uint64(env, value, result, &lossless) == napi_ok;
    return js_address(env, value, result);
}

/* dmOp(op, arguments): an array of what the call gave. */
napi_value dm_op(napi_env env, napi_callback_info info)
{
    napi_value given[2], list, element;
    char op[32];
    size_t length;
    const struct call *call = NULL;
    uint64_t argument[MAX_ARGUMENTS] = { 0 }, value[MAX_VALUES] = { 0 };
    unsigned int values = 0;
    uint32_t count = 0;

    if ( !addon_is_open(env) || !js_arguments(env, info, 2, given) )
        return NULL;
    if ( napi_get_value_string_utf8(env, given[0], op, sizeof op, &length) == napi_ok )
        for ( size_t i = 0; i < sizeof calls / sizeof calls[0]; i++ )
            if ( !strcmp(calls[i].op, op) )
                call = &calls[i];
    if ( !call )
        return js_throw_usage(env, "dmOp: no such operation");
    if ( napi_get_array_length(env, given[1], &count) != napi_ok || count != call->arguments )
        return js_throw_usage(env, "dmOp: another number of arguments");
    for ( uint32_t i = 0; i < count; i++ )
        if ( napi_get_element(env, given[1], i, &element) != napi_ok || !addon_u64(env, element, &argument[i]) )
            return NULL;
    if ( !js_needs(env, call->function) )
        return NULL;

    if ( call->make(argument, value, &values) )
        return js_throw_call(env, call->op, errno);
    napi_create_array_with_length(env, values, &list);
    for ( unsigned int i = 0; i < values; i++ )
    {
        napi_create_bigint_uint64(env, value[i], &element);
        napi_set_element(env, list, i, element);
    }
    return list;
}

static struct {
    xenforeignmemory_resource_handle *handle;
    void *address;
} resources[MAX_RESOURCES];

napi_value resource_map(napi_env env, napi_callback_info info)
{
    napi_value arguments[2], buffer = NULL;
    uint32_t id;
    uint64_t frame;

    if ( !addon_is_open(env) || !js_arguments(env, info, 2, arguments) || !js_uint32(env, arguments[0], &id) ||
         !addon_u64(env, arguments[1], &frame) )
        return NULL;
    for ( unsigned int i = 0; i < MAX_RESOURCES; i++ )
    {
        if ( resources[i].handle )
            continue;
        resources[i].address = NULL;
        resources[i].handle =
            xen.xenforeignmemory_map_resource(process.foreignmemory, process.domid, XENMEM_resource_ioreq_server, id,
                                              frame, 1, &resources[i].address, PROT_READ | PROT_WRITE, 0);
        if ( !resources[i].handle )
            return js_throw_call(env, "xenforeignmemory_map_resource", errno);
        if ( napi_create_external_arraybuffer(env, resources[i].address, PAGE_SIZE, NULL, NULL, &buffer) != napi_ok )
        {
            xen.xenforeignmemory_unmap_resource(process.foreignmemory, resources[i].handle);
            resources[i].handle = NULL;
        }
        return buffer;
    }
    return js_throw_call(env, "mapResource", EMFILE);
}

napi_value resource_unmap(napi_env env, napi_callback_info info)
{
    napi_value argument;
    void *address = NULL;
    size_t length = 0;

    if ( !js_arguments(env, info, 1, &argument) )
        return NULL;
    if ( napi_get_arraybuffer_info(env, argument, &address, &length) == napi_ok && length == PAGE_SIZE )
        for ( unsigned int i = 0; i < MAX_RESOURCES; i++ )
        {
            int failed;

            if ( !resources[i].handle || resources[i].address != address )
                continue;
            napi_detach_arraybuffer(env, argument);
            failed = xen.xenforeignmemory_unmap_resource(process.foreignmemory, resources[i].handle);
            resources[i].handle = NULL;
            return failed ? js_throw_call(env, "xenforeignmemory_unmap_resource", errno) : NULL;
        }
    return js_throw_usage(env, "unmapResource: expected what mapResource returned");
}

/* Nobody waits on it: who binds these channels looks at the pages. */
static xenevtchn_handle *channels;

napi_value port_bind(napi_env env, napi_callback_info info)
{
    napi_value argument;
    evtchn_port_t kick;
    const char *call;
    uint32_t port;
    int local;

    if ( !addon_is_open(env) || !js_arguments(env, info, 1, &argument) || !js_uint32(env, argument, &port) )
        return NULL;
    if ( !channels && evtchn_take(&channels, &kick, &call) )
        return js_throw_call(env, call, errno);
    local = xen.xenevtchn_bind_interdomain(channels, process.domid, port);
    return local < 0 ? js_throw_call(env, "xenevtchn_bind_interdomain", errno) : js_number(env, local);
}

static napi_value with_port(napi_env env, napi_callback_info info, const char *name,
                            int (*call)(xenevtchn_handle *, evtchn_port_t))
{
    napi_value argument;
    uint32_t port;

    if ( !addon_is_open(env) || !js_arguments(env, info, 1, &argument) || !js_uint32(env, argument, &port) )
        return NULL;
    if ( !channels )
        return js_throw_usage(env, "no port is bound");
    return call(channels, port) ? js_throw_call(env, name, errno) : NULL;
}

napi_value port_unbind(napi_env env, napi_callback_info info)
{
    return with_port(env, info, "xenevtchn_unbind", xen.xenevtchn_unbind);
}

napi_value port_notify(napi_env env, napi_callback_info info)
{
    return with_port(env, info, "xenevtchn_notify", xen.xenevtchn_notify);
}
