/* The guest's memory, mapped into this process and seen by JavaScript as ArrayBuffers. Any thread. */
#ifndef IOREQLAB_MEMORY_H
#define IOREQLAB_MEMORY_H

#include <node_api.h>

/* mapMemory(gfn, frames): ArrayBuffer over that many frames, readable and writable; throws when one has no memory. */
napi_value memory_map(napi_env env, napi_callback_info info);

/* unmapMemory(buffer): detaches it and gives the frames back. */
napi_value memory_unmap(napi_env env, napi_callback_info info);

#endif
