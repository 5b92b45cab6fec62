/*
 * dm_ops that devices ask for from the thread that serves them. Each is one ioctl on the handle, whose arguments the
 * kernel copies from the caller's stack (xendevicemodel_op in tools/libs/devicemodel/core.c): any number of threads may
 * make them at once.
 */
#include "device_model_calls.h"

#include <errno.h>

#include <xen/hvm/dm_op.h>

#include "js.h"
#include "process.h"
#include "server_exports.h"

/* Extents of one modified_memory call. */
#define MAX_EXTENTS 64

/* The arguments as numbers of 32 bits; false with an exception. */
static bool numbers(napi_env env, napi_callback_info info, size_t count, uint32_t *result)
{
    napi_value arguments[8];

    if ( !addon_is_open(env) || !js_arguments(env, info, count, arguments) )
        return false;
    for ( size_t i = 0; i < count; i++ )
        if ( !js_uint32(env, arguments[i], &result[i]) )
            return false;
    return true;
}

napi_value allow_isa_interrupts(napi_env env, napi_callback_info info)
{
    (void)info;
    if ( addon_is_open(env) )
        process.has_isa_interrupts = true;
    return NULL;
}

napi_value has_isa_interrupts(napi_env env, napi_callback_info info)
{
    (void)info;
    return js_boolean(env, process.has_isa_interrupts);
}

/*
 * In a domain without the 8259s (XEN_X86_EMU_PIC) Xen lets both calls through all the same, from 4.14 to 4.22 at least:
 * vpic_irq_positive_edge (xen/arch/x86/hvm/vpic.c) only asserts that they are there. Since nobody has set is_master, it
 * takes the master for the slave, looks for the master in front of it, where struct hvm_domain has its pointer `irq`, and
 * changes bits of that: the next entry of the guest panics the host in hvm_vcpu_has_pending_irq (seen on 4.20).
 */
static bool isa_interrupts_allowed(napi_env env)
{
    if ( !process.has_isa_interrupts )
        js_throw_usage(env, "the guest has no ISA interrupts: Xen would crash");
    return process.has_isa_interrupts;
}

napi_value set_isa_irq_level(napi_env env, napi_callback_info info)
{
    uint32_t given[2];

    if ( !numbers(env, info, 2, given) )
        return NULL;
    if ( given[0] > 15 || given[1] > 1 )
        return js_throw_usage(env, "setIsaIrqLevel: IRQ 0 to 15, level 0 or 1");
    if ( !isa_interrupts_allowed(env) )
        return NULL;
    if ( xen.xendevicemodel_set_isa_irq_level(process.devicemodel, process.domid, given[0], given[1]) )
        return js_throw_call(env, "xendevicemodel_set_isa_irq_level", errno);
    return NULL;
}

napi_value set_pci_intx_level(napi_env env, napi_callback_info info)
{
    uint32_t given[3];

    if ( !numbers(env, info, 3, given) )
        return NULL;
    /* Xen knows the lines of bus 0 only: dm.c. */
    if ( given[0] > 31 || given[1] > 3 || given[2] > 1 )
        return js_throw_usage(env, "setPciIntxLevel: device 0 to 31, line 0 to 3, level 0 or 1");
    if ( xen.xendevicemodel_set_pci_intx_level(process.devicemodel, process.domid, 0, 0, given[0], given[1], given[2]) )
        return js_throw_call(env, "xendevicemodel_set_pci_intx_level", errno);
    return NULL;
}

napi_value set_pci_link_route(napi_env env, napi_callback_info info)
{
    uint32_t given[2];

    if ( !numbers(env, info, 2, given) )
        return NULL;
    if ( given[0] > 3 || given[1] > 15 )
        return js_throw_usage(env, "setPciLinkRoute: link 0 to 3, IRQ 0 to 15");
    if ( !isa_interrupts_allowed(env) )
        return NULL;
    if ( xen.xendevicemodel_set_pci_link_route(process.devicemodel, process.domid, given[0], given[1]) )
        return js_throw_call(env, "xendevicemodel_set_pci_link_route", errno);
    return NULL;
}

napi_value inject_msi(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    uint64_t address;
    uint32_t data;

    if ( !addon_is_open(env) || !js_arguments(env, info, 2, arguments) || !js_address(env, arguments[0], &address) ||
         !js_uint32(env, arguments[1], &data) )
        return NULL;
    if ( xen.xendevicemodel_inject_msi(process.devicemodel, process.domid, address, data) )
        return js_throw_call(env, "xendevicemodel_inject_msi", errno);
    return NULL;
}

napi_value inject_event(napi_env env, napi_callback_info info)
{
    napi_value arguments[6];
    uint32_t given[5];
    uint64_t extra;

    if ( !addon_is_open(env) || !js_arguments(env, info, 6, arguments) )
        return NULL;
    for ( size_t i = 0; i < 5; i++ )
        if ( !js_uint32(env, arguments[i], &given[i]) )
            return NULL;
    if ( !js_address(env, arguments[5], &extra) )
        return NULL;
    if ( given[0] >= process.vcpus || given[1] > 255 || given[2] > 255 || given[4] > 15 )
        return js_throw_usage(env, "injectEvent: no such vCPU, vector, type or length");
    if ( xen.xendevicemodel_inject_event(process.devicemodel, process.domid, given[0], given[1], given[2], given[3],
                                         given[4], extra) )
        return js_throw_call(env, "xendevicemodel_inject_event", errno);
    return NULL;
}

/* One call for all extents where the library has it, since Xen 4.12; else one for each. */
static int tell_modified(struct xen_dm_op_modified_memory_extent *extents, unsigned int count, const char **call)
{
    if ( xen.xendevicemodel_modified_memory_bulk )
    {
        *call = "xendevicemodel_modified_memory_bulk";
        return xen.xendevicemodel_modified_memory_bulk(process.devicemodel, process.domid, extents, count);
    }
    *call = "xendevicemodel_modified_memory";
    for ( unsigned int i = 0; i < count; i++ )
        if ( xen.xendevicemodel_modified_memory(process.devicemodel, process.domid, extents[i].first_pfn,
                                                extents[i].nr) )
            return -1;
    return 0;
}

napi_value modified_memory(napi_env env, napi_callback_info info)
{
    struct xen_dm_op_modified_memory_extent extents[MAX_EXTENTS];
    napi_value arguments[2];
    napi_typedarray_type type;
    size_t length;
    void *data;
    const double *frames;
    const char *call;
    uint32_t count;
    unsigned int used = 0;

    if ( !addon_is_open(env) || !js_arguments(env, info, 2, arguments) || !js_uint32(env, arguments[1], &count) )
        return NULL;
    if ( napi_get_typedarray_info(env, arguments[0], &type, &length, &data, NULL, NULL) != napi_ok ||
         type != napi_float64_array || count > length )
        return js_throw_usage(env, "modifiedMemory: expected a Float64Array of frame numbers, and how many");
    frames = data;
    for ( uint32_t i = 0; i < count; i++ )
        if ( !(frames[i] >= 0 && frames[i] <= 9007199254740991.0) )
            return js_throw_usage(env, "modifiedMemory: not a frame number");
    for ( uint32_t i = 0; i < count; i++ )
    {
        uint64_t gfn = frames[i];

        /* Frames are mostly told in the order in which they were written. */
        if ( used && extents[used - 1].first_pfn + extents[used - 1].nr == gfn )
        {
            extents[used - 1].nr++;
            continue;
        }
        if ( used == MAX_EXTENTS )
        {
            if ( tell_modified(extents, used, &call) )
                return js_throw_call(env, call, errno);
            used = 0;
        }
        extents[used++] = (struct xen_dm_op_modified_memory_extent){ .nr = 1, .first_pfn = gfn };
    }
    if ( used && tell_modified(extents, used, &call) )
        return js_throw_call(env, call, errno);
    return NULL;
}
