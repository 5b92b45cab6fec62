/*
 * The Node-API module. src/xen/addon.ts declares and documents what it exports. One process serves one guest; the
 * module may be loaded by several threads of it (the main thread and a worker for each server).
 */
#include <errno.h>
#include <string.h>

#include "adopt.h"
#include "clock.h"
#include "control.h"
#include "device_model_calls.h"
#include "dm_op_exports.h"
#include "js.h"
#include "memory.h"
#include "probe_privilege.h"
#include "process.h"
#include "restrict.h"
#include "server_exports.h"
#include "watchdog.h"

struct process process;

static napi_value missing(napi_env env, napi_callback_info info)
{
    napi_value list;
    uint32_t count = 0;

    (void)info;
    napi_create_array(env, &list);
    for ( size_t i = 0; i < xen_function_count; i++ )
    {
        napi_value entry;

        if ( xen_function_present(&xen_functions[i]) )
            continue;
        napi_create_object(env, &entry);
        napi_set_named_property(env, entry, "function", js_string(env, xen_functions[i].name));
        napi_set_named_property(env, entry, "library", js_string(env, xen_functions[i].library));
        napi_set_named_property(env, entry, "since", js_string(env, xen_functions[i].since));
        napi_set_element(env, list, count++, entry);
    }
    return list;
}

static napi_value open_domain(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    uint32_t domid, vcpus;

    if ( !js_arguments(env, info, 2, arguments) || !js_uint32(env, arguments[0], &domid) ||
         !js_uint32(env, arguments[1], &vcpus) )
        return NULL;
    if ( domid == 0 || domid >= DOMID_FIRST_RESERVED )
        return js_throw_usage(env, "open: not the domid of a guest");
    if ( vcpus == 0 || vcpus > MAX_VCPUS )
        return js_throw_usage(env, "open: 1 to 128 vCPUs");
    if ( process.devicemodel )
        return js_throw_usage(env, "open: this process has its guest already");
    /* All that serving needs, but nr_vcpus, which only checks, and what there is another way for. */
    for ( size_t i = 0; i < xen_function_count; i++ )
        if ( xen_functions[i].offset != offsetof(struct xen_libs, xendevicemodel_nr_vcpus) &&
             xen_functions[i].offset != offsetof(struct xen_libs, xendevicemodel_modified_memory_bulk) &&
             !js_needs(env, xen_functions[i].offset) )
            return NULL;

    process.devicemodel = xen.xendevicemodel_open(NULL, 0);
    if ( !process.devicemodel )
        return js_throw_call(env, "xendevicemodel_open", errno);
    process.foreignmemory = xen.xenforeignmemory_open(NULL, 0);
    if ( !process.foreignmemory )
    {
        int error = errno;

        xen.xendevicemodel_close(process.devicemodel);
        process.devicemodel = NULL;
        return js_throw_call(env, "xenforeignmemory_open", error);
    }
    process.domid = domid;
    process.vcpus = vcpus;
    return NULL;
}

bool addon_is_open(napi_env env)
{
    if ( !process.devicemodel )
        js_throw_usage(env, "open() was not called");
    return process.devicemodel != NULL;
}

static napi_value nr_vcpus(napi_env env, napi_callback_info info)
{
    unsigned int vcpus;

    (void)info;
    if ( !addon_is_open(env) || !JS_NEEDS(env, xendevicemodel_nr_vcpus) )
        return NULL;
    if ( xen.xendevicemodel_nr_vcpus(process.devicemodel, process.domid, &vcpus) )
        return js_throw_call(env, "xendevicemodel_nr_vcpus", errno);
    return js_number(env, vcpus);
}

static napi_value shutdown_domain(napi_env env, napi_callback_info info)
{
    napi_value argument;
    uint32_t reason;

    if ( !addon_is_open(env) || !js_arguments(env, info, 1, &argument) || !js_uint32(env, argument, &reason) )
        return NULL;
    if ( xen.xendevicemodel_shutdown(process.devicemodel, process.domid, reason) )
        return js_throw_call(env, "xendevicemodel_shutdown", errno);
    return NULL;
}

static napi_value start_watchdog(napi_env env, napi_callback_info info)
{
    napi_value argument;
    uint32_t limit_ms;
    int error;

    if ( !js_arguments(env, info, 1, &argument) || !js_uint32(env, argument, &limit_ms) )
        return NULL;
    if ( (error = watchdog_start(limit_ms * 1000000ull)) )
        return js_throw_call(env, "watchdog_start", -error);
    return NULL;
}

static napi_value unwatch_control(napi_env env, napi_callback_info info)
{
    (void)env, (void)info;
    control_unwatch();
    return NULL;
}

static napi_value init(napi_env env, napi_value exports)
{
    static const struct {
        const char *name;
        napi_callback function;
    } functions[] = {
        { "missing", missing },
        { "open", open_domain },
        { "nrVcpus", nr_vcpus },
        { "shutdown", shutdown_domain },
        { "noNewPrivileges", no_new_privileges },
        { "restrictProcess", restrict_process },
        { "probePrivilege", probe_privilege },
        { "createServer", create_server },
        { "serversOf", servers_of },
        { "adoptServer", adopt_server },
        { "bindInherited", bind_inherited },
        { "serverId", server_id },
        { "laneCount", lane_count },
        { "mapRange", map_range },
        { "unmapRange", unmap_range },
        { "mapPciFunction", map_pci_function },
        { "unmapPciFunction", unmap_pci_function },
        { "enableServer", enable_server },
        { "stopServer", stop_server },
        { "closeServer", close_server },
        { "interruptServer", interrupt_server },
        { "setWaiting", set_waiting },
        { "requestWords", request_words },
        { "bindServe", bind_serve },
        { "startReference", start_reference },
        { "startConstant", start_constant },
        { "stopRecording", stop_recording },
        { "readTrace", read_trace },
        { "startWatchdog", start_watchdog },
        { "watchdogFired", has_watchdog_fired },
        { "watchControl", watch_control },
        { "unwatchControl", unwatch_control },
        { "answerControl", answer_control },
        { "mapMemory", memory_map },
        { "unmapMemory", memory_unmap },
        { "showClock", show_clock },
        { "allowIsaInterrupts", allow_isa_interrupts },
        { "hasIsaInterrupts", has_isa_interrupts },
        { "setIsaIrqLevel", set_isa_irq_level },
        { "setPciIntxLevel", set_pci_intx_level },
        { "setPciLinkRoute", set_pci_link_route },
        { "injectMsi", inject_msi },
        { "injectEvent", inject_event },
        { "modifiedMemory", modified_memory },
        { "dmOp", dm_op },
        { "mapResource", resource_map },
        { "unmapResource", resource_unmap },
        { "bindPort", port_bind },
        { "unbindPort", port_unbind },
        { "notifyPort", port_notify },
    };

    xen_libs_load();
    for ( size_t i = 0; i < sizeof functions / sizeof functions[0]; i++ )
    {
        napi_value function;

        if ( napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL, &function) !=
                 napi_ok ||
             napi_set_named_property(env, exports, functions[i].name, function) != napi_ok )
            return NULL;
    }
    return exports;
}

NAPI_MODULE(NODE_GYP_MODULE_NAME, init)
