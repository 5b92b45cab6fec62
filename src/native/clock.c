#include "clock.h"

#include <math.h>

#include "js.h"
#include "server.h"

napi_value show_clock(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    void *page = NULL;
    size_t length = 0;
    uint32_t turns;
    double least = INFINITY;

    if ( !js_arguments(env, info, 2, arguments) || !js_uint32(env, arguments[1], &turns) )
        return NULL;
    if ( napi_get_arraybuffer_info(env, arguments[0], &page, &length) != napi_ok ||
         length < CLOCK_HOST + sizeof(uint64_t) )
        return js_throw_usage(env, "showClock: expected what mapMemory returned");

    for ( uint32_t turn = 0; turn < turns; turn++ )
    {
        uint64_t guest;

        __atomic_store_n((uint64_t *)((char *)page + CLOCK_HOST), rdtsc(), __ATOMIC_RELEASE);
        guest = __atomic_load_n((uint64_t *)((char *)page + CLOCK_GUEST), __ATOMIC_ACQUIRE);
        if ( guest )
        {
            double distance;

            /* The TSC is not read before the load. */
            __asm__ volatile ( "lfence" ::: "memory" );
            distance = (double)(int64_t)(rdtsc() - guest);
            if ( distance < least )
                least = distance;
        }
        __asm__ volatile ( "pause" ::: "memory" );
    }
    return js_number(env, least);
}
