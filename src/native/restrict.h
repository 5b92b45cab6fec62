/*
 * Least privilege: a device-model process needs its guest, the handles that it has, and nothing else of dom0. Whoever
 * breaks out of a device model then holds a process that can do nothing that the guest could not do before.
 */
#ifndef IOREQLAB_RESTRICT_H
#define IOREQLAB_RESTRICT_H

#include <node_api.h>

/*
 * restrictProcess(user, handles): makes a stock of event channel handles, ties all handles to the guest
 * (xentoolcore_restrict_all), limits the process and becomes this user and group. Irreversible. After open(), before or
 * after servers are made. Main thread.
 */
napi_value restrict_process(napi_env env, napi_callback_info info);

/* noNewPrivileges(): no program that this thread starts from now on gains any by being setuid, nor what that starts. */
napi_value no_new_privileges(napi_env env, napi_callback_info info);

#endif
