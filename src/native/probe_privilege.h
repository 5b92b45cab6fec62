/*
 * What the process could do to others if its code were an attacker's. For tests of restrict.h: the attempts are made with the
 * process's own handles and descriptors, from the thread that asks.
 */
#ifndef IOREQLAB_PROBE_PRIVILEGE_H
#define IOREQLAB_PROBE_PRIVILEGE_H

#include <node_api.h>

/*
 * probePrivilege(domid, gfn): tries things that a device model has no business with, on a domain that is not its guest and
 * has memory at gfn, and undoes what succeeds. Returns an object: the errno of each attempt, 0 for one that succeeded.
 */
napi_value probe_privilege(napi_env env, napi_callback_info info);

#endif
