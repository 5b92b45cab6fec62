/*
 * Functions that V8's optimized code calls as it would call C: no frame for an API callback, no handles, no wrapper of
 * Node-API. Some 150 instructions less for each call.
 */
#ifndef IOREQLAB_FAST_CALL_H
#define IOREQLAB_FAST_CALL_H

#include <node_api.h>

/*
 * A function of no arguments that does `call`, which must touch nothing of JavaScript but memory that it shares; it may
 * block. NULL, with no exception pending, where this Node's V8 is not the one whose interface we know.
 */
napi_value fast_function(napi_env env, void (*call)(void));

#endif
