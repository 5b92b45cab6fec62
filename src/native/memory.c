#include "memory.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "js.h"
#include "process.h"

#define PAGE_SIZE 4096u
#define MAX_FRAMES 65536u /* 256 MiB in one mapping */

napi_value memory_map(napi_env env, napi_callback_info info)
{
    napi_value arguments[2], buffer = NULL;
    uint64_t gfn;
    uint32_t frames;
    xen_pfn_t *list;
    int *errors;
    void *address = NULL;
    int error = 0;

    if ( !js_arguments(env, info, 2, arguments) || !js_address(env, arguments[0], &gfn) ||
         !js_uint32(env, arguments[1], &frames) )
        return NULL;
    if ( frames == 0 || frames > MAX_FRAMES )
        return js_throw_usage(env, "mapMemory: 1 to 65536 frames");

    list = malloc(frames * sizeof *list);
    errors = calloc(frames, sizeof *errors);
    if ( list && errors )
    {
        for ( uint32_t i = 0; i < frames; i++ )
            list[i] = gfn + i;
        address = xen.xenforeignmemory_map(process.foreignmemory, process.domid, PROT_READ | PROT_WRITE, frames, list,
                                           errors);
        error = address ? 0 : errno;
        for ( uint32_t i = 0; address && i < frames && !error; i++ )
            error = -errors[i];
    }
    else
        error = ENOMEM;
    free(list);
    free(errors);

    if ( error )
    {
        if ( address )
            xen.xenforeignmemory_unmap(process.foreignmemory, address, frames);
        return js_throw_call(env, "xenforeignmemory_map", error);
    }
    if ( napi_create_external_arraybuffer(env, address, (size_t)frames * PAGE_SIZE, NULL, NULL, &buffer) != napi_ok )
        xen.xenforeignmemory_unmap(process.foreignmemory, address, frames);
    return buffer;
}

napi_value memory_unmap(napi_env env, napi_callback_info info)
{
    napi_value argument;
    void *address = NULL;
    size_t length = 0;

    if ( !js_arguments(env, info, 1, &argument) )
        return NULL;
    /* What JavaScript has allocated itself is not aligned to a page. */
    if ( napi_get_arraybuffer_info(env, argument, &address, &length) != napi_ok || length % PAGE_SIZE ||
         (length && (uintptr_t)address % PAGE_SIZE) )
        return js_throw_usage(env, "unmapMemory: expected what mapMemory returned");
    if ( !length )
        return NULL; /* given back already */
    napi_detach_arraybuffer(env, argument);
    if ( xen.xenforeignmemory_unmap(process.foreignmemory, address, length / PAGE_SIZE) )
        return js_throw_call(env, "xenforeignmemory_unmap", errno);
    return NULL;
}
