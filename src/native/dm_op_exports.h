#ifndef IOREQLAB_DM_OP_EXPORTS_H
#define IOREQLAB_DM_OP_EXPORTS_H

#include <node_api.h>

napi_value dm_op(napi_env env, napi_callback_info info);
napi_value resource_map(napi_env env, napi_callback_info info);
napi_value resource_unmap(napi_env env, napi_callback_info info);
napi_value port_bind(napi_env env, napi_callback_info info);
napi_value port_unbind(napi_env env, napi_callback_info info);
napi_value port_notify(napi_env env, napi_callback_info info);

#endif
