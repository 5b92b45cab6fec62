/* Take-over: what a process that died has left of its ioreq servers, for its successor. */
#ifndef IOREQLAB_ADOPT_H
#define IOREQLAB_ADOPT_H

#include <node_api.h>

/*
 * serversOf(domid): Xen's ids of the domain's ioreq servers that were created in this domain, ours or not. With a handle of
 * its own: also without open(), but not in a process that is restricted to another domain.
 */
napi_value servers_of(napi_env env, napi_callback_info info);

/* adoptServer(id, ring, lane per vCPU): a server under which Xen has this id, in place of createServer. Main thread. */
napi_value adopt_server(napi_env env, napi_callback_info info);

#endif
