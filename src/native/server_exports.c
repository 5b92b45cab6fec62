/* What the module exports about servers: src/xen/addon.ts declares and documents it. */
#include "server_exports.h"

#include <errno.h>

#include "control.h"
#include "fast_call.h"
#include "hot_loop.h"
#include "js.h"
#include "process.h"
#include "reference_server.h"
#include "watchdog.h"

#include <xen/hvm/hvm_op.h>

/* True for undefined too, which leaves the default. */
static bool optional_uint32(napi_env env, napi_value value, uint32_t *result)
{
    return js_is_undefined(env, value) || js_uint32(env, value, result);
}

bool server_options_of(napi_env env, const napi_value *arguments, struct server_options *options)
{
    uint32_t buffered = HVM_IOREQSRV_BUFIOREQ_OFF;

    *options = (struct server_options){ 0 };
    if ( !optional_uint32(env, arguments[0], &buffered) ||
         (!js_is_undefined(env, arguments[1]) && !js_bool(env, arguments[1], &options->lane_per_vcpu)) )
        return false;
    options->buffered = buffered;
    if ( buffered > HVM_IOREQSRV_BUFIOREQ_ATOMIC )
        js_throw_usage(env, "no such kind of ring");
    else if ( buffered != HVM_IOREQSRV_BUFIOREQ_OFF && options->lane_per_vcpu )
        js_throw_usage(env, "a ring needs one lane for all vCPUs");
    else
        return true;
    return false;
}

napi_value create_server(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    struct server_options options;
    const char *call;

    if ( !addon_is_open(env) || !js_some_arguments(env, info, 0, 2, arguments) ||
         !server_options_of(env, arguments, &options) )
        return NULL;
    for ( unsigned int i = 0; i < MAX_SERVERS; i++ )
        if ( !process.servers[i].open )
        {
            if ( server_open(&process.servers[i], process.domid, process.vcpus, options, &call) )
                return js_throw_call(env, call, errno);
            return js_number(env, i);
        }
    return js_throw_call(env, "createServer", ENOSPC);
}

/*
 * The open server that the first argument names, with the other arguments in place, `needed` of `count` at least; or NULL
 * with an exception.
 */
static struct server *server_of_some(napi_env env, napi_callback_info info, size_t needed, size_t count,
                                     napi_value *arguments)
{
    uint32_t index;

    if ( !addon_is_open(env) || !js_some_arguments(env, info, needed, count, arguments) ||
         !js_uint32(env, arguments[0], &index) )
        return NULL;
    if ( index >= MAX_SERVERS || !process.servers[index].open )
    {
        js_throw_usage(env, "no such server");
        return NULL;
    }
    return &process.servers[index];
}

static struct server *server_of(napi_env env, napi_callback_info info, size_t count, napi_value *arguments)
{
    return server_of_some(env, info, count, count, arguments);
}

/* The lane that a server and, optionally, a number name; or NULL with an exception. */
static struct lane *lane_of(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    struct server *server = server_of_some(env, info, 1, 2, arguments);
    uint32_t index = 0;

    if ( !server || !optional_uint32(env, arguments[1], &index) )
        return NULL;
    if ( index >= server->lane_count )
    {
        js_throw_usage(env, "no such lane");
        return NULL;
    }
    return &server->lanes[index];
}

napi_value lane_count(napi_env env, napi_callback_info info)
{
    napi_value argument;
    struct server *server = server_of(env, info, 1, &argument);

    return server ? js_number(env, server->lane_count) : NULL;
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

napi_value set_waiting(napi_env env, napi_callback_info info)
{
    napi_value arguments[3];
    struct server *server = server_of(env, info, 3, arguments);
    uint32_t mode;
    uint64_t cycles;

    if ( !server || !js_uint32(env, arguments[1], &mode) || !js_address(env, arguments[2], &cycles) )
        return NULL;
    if ( mode > WAITING_ADAPTIVE || (mode == WAITING_BLOCK && cycles) )
        return js_throw_usage(env, "setWaiting: no such way to wait");
    for ( unsigned int i = 0; i < server->lane_count; i++ )
        waiting_set(&server->lanes[i].waiting, mode, cycles);
    return NULL;
}

napi_value request_words(napi_env env, napi_callback_info info)
{
    struct lane *lane = lane_of(env, info);
    napi_value buffer = NULL;

    if ( lane )
        napi_create_external_arraybuffer(env, &lane->request, sizeof lane->request, NULL, NULL, &buffer);
    return buffer;
}

/*
 * What this thread serves: nothing to look up on the way in. The model of TLS is for the linker: a slot of the thread's
 * static block, no call to find it.
 */
static __thread struct lane *bound __attribute__((tls_model("initial-exec")));

static void serve(void)
{
    struct lane *lane = bound;

    lane->request.code = serve_next(lane);
}

static napi_value serve_slowly(napi_env env, napi_callback_info info)
{
    (void)env, (void)info;
    serve();
    return NULL;
}

static napi_value serve_one_inherited(napi_env env, napi_callback_info info)
{
    struct lane *lane = bound;

    (void)env, (void)info;
    lane->request.code = serve_inherited(lane);
    return NULL;
}

static bool bind(napi_env env, napi_callback_info info)
{
    struct lane *lane = lane_of(env, info);

    if ( lane )
        bound = lane;
    return lane;
}

napi_value bind_serve(napi_env env, napi_callback_info info)
{
    /* The same function for every lane of a thread, so that the loop that V8 has compiled never meets another. */
    static __thread struct {
        napi_env env;
        napi_ref function;
    } known __attribute__((tls_model("initial-exec")));
    napi_value function = NULL;

    if ( !bind(env, info) )
        return NULL;
    if ( known.env == env )
    {
        napi_get_reference_value(env, known.function, &function);
        return function;
    }
    function = fast_function(env, serve);
    if ( !function )
        napi_create_function(env, "serve", NAPI_AUTO_LENGTH, serve_slowly, NULL, &function);
    if ( napi_create_reference(env, function, 1, &known.function) == napi_ok )
        known.env = env;
    return function;
}

napi_value bind_inherited(napi_env env, napi_callback_info info)
{
    napi_value function = NULL;

    if ( bind(env, info) )
        napi_create_function(env, "inherited", NAPI_AUTO_LENGTH, serve_one_inherited, NULL, &function);
    return function;
}

/* The elements of a typed array of this type, at most MAX_REFERENCE_RANGES; false with an exception. */
static bool elements_of(napi_env env, napi_value value, napi_typedarray_type expected, const void **elements,
                        unsigned int *count)
{
    napi_typedarray_type type;
    size_t length;

    if ( napi_get_typedarray_info(env, value, &type, &length, (void **)elements, NULL, NULL) == napi_ok &&
         type == expected && length <= MAX_REFERENCE_RANGES )
    {
        *count = length;
        return true;
    }
    js_throw_usage(env, "startReference: expected a Uint16Array of ports and a Float64Array of addresses, at most 256 each");
    return false;
}

static napi_value start(napi_env env, struct server *server, const struct reference_setup *setup)
{
    int error;

    if ( server->reference )
        return js_throw_usage(env, "startReference: the server has its yardstick already");
    if ( (error = reference_start(server, setup)) )
        return js_throw_call(env, "startReference", -error);
    return NULL;
}

napi_value start_reference(napi_env env, napi_callback_info info)
{
    napi_value arguments[4];
    struct server *server = server_of_some(env, info, 2, 4, arguments);
    struct reference_setup setup = { 0 };

    if ( !server ||
         !elements_of(env, arguments[1], napi_uint16_array, (const void **)&setup.ports, &setup.port_count) ||
         (!js_is_undefined(env, arguments[2]) && !elements_of(env, arguments[2], napi_float64_array,
                                                              (const void **)&setup.addresses, &setup.address_count)) )
        return NULL;
    if ( !js_is_undefined(env, arguments[3]) && !js_uint32(env, arguments[3], &setup.scans) )
        return NULL;
    for ( unsigned int i = 0; i < setup.address_count; i++ )
        if ( !(setup.addresses[i] >= 0 && setup.addresses[i] <= 9007199254740991.0 - REFERENCE_BYTES) )
            return js_throw_usage(env, "startReference: not a guest address");
    if ( !setup.port_count && !setup.address_count )
        return js_throw_usage(env, "startReference: no port and no address");
    return start(env, server, &setup);
}

napi_value start_constant(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    struct server *server = server_of(env, info, 2, arguments);
    struct reference_setup setup = { .constant = true };

    if ( !server || !js_address(env, arguments[1], &setup.value) )
        return NULL;
    return start(env, server, &setup);
}

napi_value stop_recording(napi_env env, napi_callback_info info)
{
    napi_value argument;
    struct server *server = server_of(env, info, 1, &argument);

    if ( server )
        server_stop_recording(server);
    return NULL;
}

/* Merges the lanes' traces by the time of taking; the sequence counts on over all of them. */
napi_value read_trace(napi_env env, napi_callback_info info)
{
    napi_value argument, buffer = NULL;
    struct server *server = server_of(env, info, 1, &argument);
    uint64_t next[MAX_VCPUS], count[MAX_VCPUS], kept = 0, sequence = 0;
    struct trace_record *copy;

    if ( !server )
        return NULL;
    for ( unsigned int l = 0; l < server->lane_count; l++ )
    {
        count[l] = __atomic_load_n(&server->lanes[l].trace.count, __ATOMIC_ACQUIRE);
        next[l] = count[l] > TRACE_RECORDS ? count[l] - TRACE_RECORDS : 0;
        kept += count[l] - next[l];
        sequence += next[l];
    }
    if ( napi_create_arraybuffer(env, kept * sizeof *copy, (void **)&copy, &buffer) != napi_ok )
        return NULL;
    for ( uint64_t i = 0; i < kept; i++ )
    {
        struct trace_record *oldest = NULL;
        unsigned int from = 0;

        for ( unsigned int l = 0; l < server->lane_count; l++ )
        {
            struct trace_record *record = &server->lanes[l].trace.records[next[l] & (TRACE_RECORDS - 1)];

            if ( next[l] == count[l] || (oldest && oldest->tsc_taken <= record->tsc_taken) )
                continue;
            oldest = record;
            from = l;
        }
        copy[i] = *oldest;
        copy[i].sequence = sequence++;
        next[from]++;
    }
    return buffer;
}

napi_value has_watchdog_fired(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    struct server *server = server_of_some(env, info, 1, 2, arguments);
    uint32_t lane = UINT32_MAX;

    if ( !server || !optional_uint32(env, arguments[1], &lane) )
        return NULL;
    if ( lane != UINT32_MAX )
        return js_boolean(env, lane < server->lane_count && watchdog_fired(&server->lanes[lane]));
    for ( lane = 0; lane < server->lane_count && !watchdog_fired(&server->lanes[lane]); lane++ )
        ;
    return js_boolean(env, lane < server->lane_count);
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
    if ( server->lane_count > 1 )
        return js_throw_usage(env, "watchControl: needs a server with one lane");
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
