/* Functions of the Node-API module that are about servers; addon.c gives them their names. */
#ifndef IOREQLAB_SERVER_EXPORTS_H
#define IOREQLAB_SERVER_EXPORTS_H

#include <node_api.h>
#include <stdbool.h>

#include "server.h"

napi_value create_server(napi_env env, napi_callback_info info);
napi_value server_id(napi_env env, napi_callback_info info);
napi_value lane_count(napi_env env, napi_callback_info info);
napi_value map_range(napi_env env, napi_callback_info info);
napi_value unmap_range(napi_env env, napi_callback_info info);
napi_value map_pci_function(napi_env env, napi_callback_info info);
napi_value unmap_pci_function(napi_env env, napi_callback_info info);
napi_value enable_server(napi_env env, napi_callback_info info);
napi_value stop_server(napi_env env, napi_callback_info info);
napi_value close_server(napi_env env, napi_callback_info info);
napi_value interrupt_server(napi_env env, napi_callback_info info);
napi_value set_waiting(napi_env env, napi_callback_info info);
napi_value request_words(napi_env env, napi_callback_info info);
napi_value bind_serve(napi_env env, napi_callback_info info);
napi_value bind_inherited(napi_env env, napi_callback_info info);
napi_value start_reference(napi_env env, napi_callback_info info);
napi_value start_constant(napi_env env, napi_callback_info info);
napi_value stop_recording(napi_env env, napi_callback_info info);
napi_value read_trace(napi_env env, napi_callback_info info);
napi_value has_watchdog_fired(napi_env env, napi_callback_info info);
napi_value watch_control(napi_env env, napi_callback_info info);
napi_value answer_control(napi_env env, napi_callback_info info);

/* False, with a TypeError pending, when the process has no guest yet (addon.c). */
bool addon_is_open(napi_env env);

/* The kind of ring and whether a lane per vCPU, both optional; false, with an exception, when they make no sense. */
bool server_options_of(napi_env env, const napi_value *arguments, struct server_options *options);

#endif
