#include "js.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

bool js_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values)
{
    return js_some_arguments(env, info, count, count, values);
}

bool js_is_undefined(napi_env env, napi_value value)
{
    napi_valuetype type;

    return napi_typeof(env, value, &type) == napi_ok && type == napi_undefined;
}

bool js_some_arguments(napi_env env, napi_callback_info info, size_t needed, size_t count, napi_value *values)
{
    size_t given = count;

    if ( napi_get_cb_info(env, info, &given, values, NULL, NULL) != napi_ok || given < needed )
    {
        js_throw_usage(env, "too few arguments");
        return false;
    }
    return true;
}

bool js_uint32(napi_env env, napi_value value, uint32_t *result)
{
    uint64_t wide;

    if ( !js_address(env, value, &wide) )
        return false;
    if ( wide > UINT32_MAX )
    {
        js_throw_usage(env, "a number does not fit 32 bits");
        return false;
    }
    *result = wide;
    return true;
}

bool js_address(napi_env env, napi_value value, uint64_t *result)
{
    double number;

    if ( napi_get_value_double(env, value, &number) != napi_ok || !(number >= 0 && number <= 9007199254740991.0) ||
         number != (double)(uint64_t)number )
    {
        js_throw_usage(env, "expected a whole number from 0 to 2^53 - 1");
        return false;
    }
    *result = number;
    return true;
}

bool js_bool(napi_env env, napi_value value, bool *result)
{
    if ( napi_get_value_bool(env, value, result) == napi_ok )
        return true;
    js_throw_usage(env, "expected a boolean");
    return false;
}

napi_value js_number(napi_env env, double value)
{
    napi_value result = NULL;

    napi_create_double(env, value, &result);
    return result;
}

napi_value js_boolean(napi_env env, bool value)
{
    napi_value result = NULL;

    napi_get_boolean(env, value, &result);
    return result;
}

napi_value js_string(napi_env env, const char *value)
{
    napi_value result = NULL;

    napi_create_string_utf8(env, value, NAPI_AUTO_LENGTH, &result);
    return result;
}

napi_value js_throw_call(napi_env env, const char *call, int error)
{
    char message[160];
    const char *name = uv_err_name(-error);
    napi_value object;

    snprintf(message, sizeof message, "%s: %s (%s)", call, uv_strerror(-error), name);
    napi_create_error(env, js_string(env, name), js_string(env, message), &object);
    napi_set_named_property(env, object, "errno", js_number(env, error));
    napi_set_named_property(env, object, "call", js_string(env, call));
    napi_throw(env, object);
    return NULL;
}

napi_value js_throw_usage(napi_env env, const char *message)
{
    napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", message);
    return NULL;
}

bool js_needs(napi_env env, size_t offset)
{
    const struct xen_function *function = xen_function_at(offset);
    char message[200];

    if ( xen_function_present(function) )
        return true;
    snprintf(message, sizeof message, "%s is not in this host's %s: it came with Xen %s", function->name,
             function->library, function->since);
    napi_throw_error(env, "XEN_FUNCTION_MISSING", message);
    return false;
}
