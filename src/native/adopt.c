#include "adopt.h"

#include <errno.h>

#include "js.h"
#include "process.h"
#include "server_exports.h"

static bool exists(xendevicemodel_handle *handle, domid_t domid, ioservid_t id)
{
    evtchn_port_t port;

    /* Without frame numbers, so that asking changes nothing (XEN_DMOP_no_gfns). ENOENT: none; EPERM: another domain's. */
    return !xen.xendevicemodel_get_ioreq_server_info(handle, domid, id, NULL, NULL, &port);
}

napi_value servers_of(napi_env env, napi_callback_info info)
{
    xendevicemodel_handle *handle = process.devicemodel;
    napi_value argument, list;
    uint32_t domid, count = 0;

    if ( !js_arguments(env, info, 1, &argument) || !js_uint32(env, argument, &domid) ||
         !JS_NEEDS(env, xendevicemodel_open) || !JS_NEEDS(env, xendevicemodel_get_ioreq_server_info) )
        return NULL;
    if ( !handle && !(handle = xen.xendevicemodel_open(NULL, 0)) )
        return js_throw_call(env, "xendevicemodel_open", errno);
    napi_create_array(env, &list);
    for ( ioservid_t id = 0; id < MAX_SERVERS; id++ )
        if ( exists(handle, domid, id) )
            napi_set_element(env, list, count++, js_number(env, id));
    if ( handle != process.devicemodel )
        xen.xendevicemodel_close(handle);
    return list;
}

napi_value adopt_server(napi_env env, napi_callback_info info)
{
    napi_value arguments[3];
    struct server_options options;
    const char *call;
    uint32_t id;

    if ( !addon_is_open(env) || !js_some_arguments(env, info, 1, 3, arguments) || !js_uint32(env, arguments[0], &id) ||
         !server_options_of(env, &arguments[1], &options) )
        return NULL;
    for ( unsigned int i = 0; i < MAX_SERVERS; i++ )
        if ( process.servers[i].open && process.servers[i].id == id )
            return js_throw_usage(env, "adoptServer: it is ours already");
    for ( unsigned int i = 0; i < MAX_SERVERS; i++ )
        if ( !process.servers[i].open )
        {
            if ( server_adopt(&process.servers[i], process.domid, process.vcpus, id, options, &call) )
                return js_throw_call(env, call, errno);
            return js_number(env, i);
        }
    return js_throw_call(env, "adoptServer", ENOSPC);
}
