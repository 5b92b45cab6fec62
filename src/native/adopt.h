/* Take-over: what a process that died has left of its ioreq servers, for its successor. */
#ifndef IOREQLAB_ADOPT_H
#define IOREQLAB_ADOPT_H

#include <node_api.h>

/*
 * serversOf(domid): Xen's ids of the domain's ioreq servers that were created in this domain, ours or not. With a handle of
 * its own: also without open(), but not in a process that is restricted to another domain.
 */
napi_value servers_of(napi_env env, napi_callback_info info);

/* adoptServer(id): a server under which Xen has this id, in place of createServer. Main thread. */
napi_value adopt_server(napi_env env, napi_callback_info info);

/* bindInherited(server): as bindServe, for the requests that the dead process had in hand. */
napi_value bind_inherited(napi_env env, napi_callback_info info);

#endif
