/*
 * The control server: guests read its port to ask for work, and are answered when there is some (design: control stays
 * out of the way of what is tested). It lives on the main thread's event loop; its speed does not matter.
 */
#ifndef IOREQLAB_CONTROL_H
#define IOREQLAB_CONTROL_H

#include <node_api.h>

#include "server.h"

/* Calls back with a vCPU's number whenever that vCPU has asked. Main thread. Returns a libuv error or 0. */
int control_watch(napi_env env, struct server *server, napi_value callback);
void control_unwatch(void);
bool control_watched(void);

/* Answers the vCPU's question. False when it has not asked. */
bool control_answer(struct server *server, unsigned int vcpu, uint32_t value);

#endif
