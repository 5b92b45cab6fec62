/* Small helpers between C and JavaScript. Each returns false, with a JavaScript exception pending, when it fails. */
#ifndef IOREQLAB_JS_H
#define IOREQLAB_JS_H

#include <node_api.h>
#include <stdbool.h>
#include <stdint.h>

#include "xen_libs.h"

bool js_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values);
/* The same with optional ones at the end: `count` in all; missing ones are undefined. */
bool js_some_arguments(napi_env env, napi_callback_info info, size_t needed, size_t count, napi_value *values);
bool js_is_undefined(napi_env env, napi_value value);
bool js_uint32(napi_env env, napi_value value, uint32_t *result);
/* A whole number from 0 to 2^53 - 1. */
bool js_address(napi_env env, napi_value value, uint64_t *result);
bool js_bool(napi_env env, napi_value value, bool *result);

napi_value js_number(napi_env env, double value);
napi_value js_boolean(napi_env env, bool value);
napi_value js_string(napi_env env, const char *value);

/* Throws an Error with `code` (EINVAL, ...), `errno` and `call` for a function of libxen that failed with errno set. */
napi_value js_throw_call(napi_env env, const char *call, int error);

/* Throws a TypeError. */
napi_value js_throw_usage(napi_env env, const char *message);

/* False, with an exception that names the function, when this host's libraries lack it. */
bool js_needs(napi_env env, size_t offset);
#define JS_NEEDS(env, function) js_needs(env, offsetof(struct xen_libs, function))

#endif
