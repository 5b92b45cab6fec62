/*
 * The Node-API module. src/xen/addon.ts declares and documents what it exports. One process serves one guest; the
 * module may be loaded by several threads of it (the main thread and a worker for each server).
 */
#include <errno.h>
#include <string.h>

#include "control.h"
#include "hot_loop.h"
#include "js.h"
#include "memory.h"
#include "process.h"
#include "reference_server.h"
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
    /* All that serving needs, but nr_vcpus, which only checks. */
    for ( size_t i = 0; i < xen_function_count; i++ )
        if ( xen_functions[i].offset != offsetof(struct xen_libs, xendevicemodel_nr_vcpus) &&
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

static bool is_open(napi_env env)
{
    if ( !process.devicemodel )
        js_throw_usage(env, "open() was not called");
    return process.devicemodel != NULL;
}

static napi_value nr_vcpus(napi_env env, napi_callback_info info)
{
    unsigned int vcpus;

    (void)info;
    if ( !is_open(env) || !JS_NEEDS(env, xendevicemodel_nr_vcpus) )
        return NULL;
    if ( xen.xendevicemodel_nr_vcpus(process.devicemodel, process.domid, &vcpus) )
        return js_throw_call(env, "xendevicemodel_nr_vcpus", errno);
    return js_number(env, vcpus);
}

static napi_value shutdown_domain(napi_env env, napi_callback_info info)
{
    napi_value argument;
    uint32_t reason;

    if ( !is_open(env) || !js_arguments(env, info, 1, &argument) || !js_uint32(env, argument, &reason) )
        return NULL;
    if ( xen.xendevicemodel_shutdown(process.devicemodel, process.domid, reason) )
        return js_throw_call(env, "xendevicemodel_shutdown", errno);
    return NULL;
}

static napi_value create_server(napi_env env, napi_callback_info info)
{
    const char *call;

    (void)info;
    if ( !is_open(env) )
        return NULL;
    for ( unsigned int i = 0; i < MAX_SERVERS; i++ )
        if ( !process.servers[i].open )
        {
            if ( server_open(&process.servers[i], process.domid, process.vcpus, &call) )
                return js_throw_call(env, call, errno);
            return js_number(env, i);
        }
    return js_throw_call(env, "createServer", ENOSPC);
}

/* The open server that the first argument names, with the other arguments in place; or NULL with an exception. */
static struct server *server_of(napi_env env, napi_callback_info info, size_t count, napi_value *arguments)
{
    uint32_t index;

    if ( !is_open(env) || !js_arguments(env, info, count, arguments) || !js_uint32(env, arguments[0], &index) )
        return NULL;
    if ( index >= MAX_SERVERS || !process.servers[index].open )
    {
        js_throw_usage(env, "no such server");
        return NULL;
    }
    return &process.servers[index];
}

static napi_value server_id(napi_env env, napi_callback_info info)
{
    napi_value argument;
    struct server *server = server_of(env, info, 1, &argument);

    return server ? js_number(env, server->id) : NULL;
}

static napi_value change_range(napi_env env, napi_callback_info info,
                               int (*change)(struct server *, bool, uint64_t, uint64_t, const char **))
{
    napi_value arguments[4];
    struct server *server = server_of(env, info, 4, arguments);
    const char *call;
    bool memory;
    uint64_t start, end;

    if ( !server || !js_bool(env, arguments[1], &memory) || !js_address(env, arguments[2], &start) ||
         !js_address(env, arguments[3], &end) )
        return NULL;
    if ( change(server, memory, start, end, &call) )
        return js_throw_call(env, call, errno);
    return NULL;
}

static napi_value map_range(napi_env env, napi_callback_info info)
{
    return change_range(env, info, server_map_range);
}

static napi_value unmap_range(napi_env env, napi_callback_info info)
{
    return change_range(env, info, server_unmap_range);
}

static napi_value enable_server(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    struct server *server = server_of(env, info, 2, arguments);
    const char *call;
    bool watched;

    if ( !server || !js_bool(env, arguments[1], &watched) )
        return NULL;
    if ( server_enable(server, &call) )
        return js_throw_call(env, call, errno);
    if ( watched )
        watchdog_watch(server);
    return NULL;
}

static napi_value close_server(napi_env env, napi_callback_info info)
{
    napi_value argument;
    struct server *server = server_of(env, info, 1, &argument);
    const char *call;

    if ( !server )
        return NULL;
    watchdog_release(server);
    reference_stop(server);
    if ( server_close(server, &call) )
        return js_throw_call(env, call, errno);
    return NULL;
}

static napi_value interrupt_server(napi_env env, napi_callback_info info)
{
    napi_value argument;
    struct server *server = server_of(env, info, 1, &argument);

    if ( server )
        server_interrupt(server);
    return NULL;
}

static napi_value set_spin(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    struct server *server = server_of(env, info, 2, arguments);
    uint64_t cycles;

    if ( server && js_address(env, arguments[1], &cycles) )
        server->spin_cycles = cycles;
    return NULL;
}

static napi_value request_words(napi_env env, napi_callback_info info)
{
    napi_value argument, buffer = NULL;
    struct server *server = server_of(env, info, 1, &argument);

    if ( server )
        napi_create_external_arraybuffer(env, server->words, sizeof server->words, NULL, NULL, &buffer);
    return buffer;
}

static napi_value serve(napi_env env, napi_callback_info info)
{
    struct server *server;

    /* The server is bound to the function: nothing to convert on the way in or out. */
    napi_get_cb_info(env, info, NULL, NULL, NULL, (void **)&server);
    server->words[REQUEST_CODE] = serve_next(server);
    return NULL;
}

static napi_value bind_serve(napi_env env, napi_callback_info info)
{
    napi_value argument, function = NULL;
    struct server *server = server_of(env, info, 1, &argument);

    if ( server )
        napi_create_function(env, "serve", NAPI_AUTO_LENGTH, serve, server, &function);
    return function;
}

static napi_value start_reference(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    struct server *server = server_of(env, info, 2, arguments);
    napi_typedarray_type type;
    size_t length;
    void *ports;
    int error;

    if ( !server )
        return NULL;
    if ( napi_get_typedarray_info(env, arguments[1], &type, &length, &ports, NULL, NULL) != napi_ok ||
         type != napi_uint16_array || length == 0 || length > MAX_REFERENCE_PORTS )
        return js_throw_usage(env, "startReference: expected a Uint16Array of 1 to 256 ports");
    if ( server->reference )
        return js_throw_usage(env, "startReference: the server has its yardstick already");
    if ( (error = reference_start(server, ports, length)) )
        return js_throw_call(env, "uv_thread_create", -error);
    return NULL;
}

static napi_value read_trace(napi_env env, napi_callback_info info)
{
    napi_value argument, buffer = NULL;
    struct server *server = server_of(env, info, 1, &argument);
    struct trace_record *copy;
    uint64_t count, first;

    if ( !server )
        return NULL;
    count = __atomic_load_n(&server->trace.count, __ATOMIC_ACQUIRE);
    first = count > TRACE_RECORDS ? count - TRACE_RECORDS : 0;
    if ( napi_create_arraybuffer(env, (count - first) * sizeof *copy, (void **)&copy, &buffer) != napi_ok )
        return NULL;
    for ( uint64_t i = first; i < count; i++ )
        copy[i - first] = server->trace.records[i & (TRACE_RECORDS - 1)];
    return buffer;
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

static napi_value has_watchdog_fired(napi_env env, napi_callback_info info)
{
    napi_value argument;
    struct server *server = server_of(env, info, 1, &argument);

    return server ? js_boolean(env, watchdog_fired(server)) : NULL;
}

static napi_value watch_control(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    struct server *server = server_of(env, info, 2, arguments);
    int error;

    if ( !server )
        return NULL;
    if ( (error = control_watch(env, server, arguments[1])) )
        return js_throw_call(env, "uv_poll", -error);
    return NULL;
}

static napi_value unwatch_control(napi_env env, napi_callback_info info)
{
    (void)info;
    control_unwatch(env);
    return NULL;
}

static napi_value answer_control(napi_env env, napi_callback_info info)
{
    napi_value arguments[3];
    struct server *server = server_of(env, info, 3, arguments);
    uint32_t vcpu, value;

    if ( !server || !js_uint32(env, arguments[1], &vcpu) || !js_uint32(env, arguments[2], &value) )
        return NULL;
    return js_boolean(env, control_answer(server, vcpu, value));
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
        { "createServer", create_server },
        { "serverId", server_id },
        { "mapRange", map_range },
        { "unmapRange", unmap_range },
        { "enableServer", enable_server },
        { "closeServer", close_server },
        { "interruptServer", interrupt_server },
        { "setSpin", set_spin },
        { "requestWords", request_words },
        { "bindServe", bind_serve },
        { "startReference", start_reference },
        { "readTrace", read_trace },
        { "startWatchdog", start_watchdog },
        { "watchdogFired", has_watchdog_fired },
        { "watchControl", watch_control },
        { "unwatchControl", unwatch_control },
        { "answerControl", answer_control },
        { "mapMemory", memory_map },
        { "unmapMemory", memory_unmap },
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
