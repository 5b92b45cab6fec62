/* What the module exports about servers: src/xen/addon.ts declares and documents it. */
#include "server_exports.h"

#include <errno.h>

#include "control.h"
#include "hot_loop.h"
#include "js.h"
#include "process.h"
#include "reference_server.h"
#include "watchdog.h"

napi_value create_server(napi_env env, napi_callback_info info)
{
    const char *call;

    (void)info;
    if ( !addon_is_open(env) )
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

    if ( !addon_is_open(env) || !js_arguments(env, info, count, arguments) || !js_uint32(env, arguments[0], &index) )
        return NULL;
    if ( index >= MAX_SERVERS || !process.servers[index].open )
    {
        js_throw_usage(env, "no such server");
        return NULL;
    }
    return &process.servers[index];
}

napi_value server_id(napi_env env, napi_callback_info info)
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

napi_value map_range(napi_env env, napi_callback_info info)
{
    return change_range(env, info, server_map_range);
}

napi_value unmap_range(napi_env env, napi_callback_info info)
{
    return change_range(env, info, server_unmap_range);
}

static napi_value change_pci(napi_env env, napi_callback_info info,
                             int (*change)(struct server *, uint32_t, const char **))
{
    napi_value arguments[2];
    struct server *server = server_of(env, info, 2, arguments);
    const char *call;
    uint32_t sbdf;

    if ( !server || !js_uint32(env, arguments[1], &sbdf) )
        return NULL;
    if ( change(server, sbdf, &call) )
        return js_throw_call(env, call, errno);
    return NULL;
}

napi_value map_pci_function(napi_env env, napi_callback_info info)
{
    return change_pci(env, info, server_map_pci);
}

napi_value unmap_pci_function(napi_env env, napi_callback_info info)
{
    return change_pci(env, info, server_unmap_pci);
}

napi_value enable_server(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    struct server *server = server_of(env, info, 2, arguments);
    const char *call;
    bool watched;

    if ( !server || !js_bool(env, arguments[1], &watched) )
        return NULL;
    if ( server->enabled || server->bound )
        return js_throw_usage(env, "enableServer: it is enabled already");
    if ( server_enable(server, &call) )
        return js_throw_call(env, call, errno);
    if ( watched )
        watchdog_watch(server);
    return NULL;
}

static napi_value end_server(napi_env env, napi_callback_info info, int (*end)(struct server *, const char **))
{
    napi_value argument;
    struct server *server = server_of(env, info, 1, &argument);
    const char *call;

    if ( !server )
        return NULL;
    watchdog_release(server);
    reference_stop(server);
    if ( end(server, &call) )
        return js_throw_call(env, call, errno);
    return NULL;
}

napi_value stop_server(napi_env env, napi_callback_info info)
{
    return end_server(env, info, server_stop);
}

napi_value close_server(napi_env env, napi_callback_info info)
{
    return end_server(env, info, server_close);
}

napi_value interrupt_server(napi_env env, napi_callback_info info)
{
    napi_value argument;
    struct server *server = server_of(env, info, 1, &argument);

    if ( server )
        server_interrupt(server);
    return NULL;
}

napi_value set_spin(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    struct server *server = server_of(env, info, 2, arguments);
    uint64_t cycles;

    if ( server && js_address(env, arguments[1], &cycles) )
        server->spin_cycles = cycles;
    return NULL;
}

napi_value request_words(napi_env env, napi_callback_info info)
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

napi_value bind_serve(napi_env env, napi_callback_info info)
{
    napi_value argument, function = NULL;
    struct server *server = server_of(env, info, 1, &argument);

    if ( server )
        napi_create_function(env, "serve", NAPI_AUTO_LENGTH, serve, server, &function);
    return function;
}

napi_value start_reference(napi_env env, napi_callback_info info)
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

napi_value read_trace(napi_env env, napi_callback_info info)
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

napi_value has_watchdog_fired(napi_env env, napi_callback_info info)
{
    napi_value argument;
    struct server *server = server_of(env, info, 1, &argument);

    return server ? js_boolean(env, watchdog_fired(server)) : NULL;
}

napi_value watch_control(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    struct server *server = server_of(env, info, 2, arguments);
    napi_valuetype type;
    int error;

    if ( !server )
        return NULL;
    if ( napi_typeof(env, arguments[1], &type) != napi_ok || type != napi_function )
        return js_throw_usage(env, "watchControl: expected a function");
    if ( control_watched() )
        return js_throw_usage(env, "watchControl: a server is watched already");
    if ( (error = control_watch(env, server, arguments[1])) )
        return js_throw_call(env, "uv_poll", -error);
    return NULL;
}

napi_value answer_control(napi_env env, napi_callback_info info)
{
    napi_value arguments[3];
    struct server *server = server_of(env, info, 3, arguments);
    uint32_t vcpu, value;

    if ( !server || !js_uint32(env, arguments[1], &vcpu) || !js_uint32(env, arguments[2], &value) )
        return NULL;
    return js_boolean(env, control_answer(server, vcpu, value));
}
