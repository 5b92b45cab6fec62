#include "xen_libs.h"

#include <string.h>
#include <uv.h>

struct xen_libs xen;

#define XEN_ENTRY(lib, function, release) \
    { #function, "libxen" #lib ".so.1", release, offsetof(struct xen_libs, function) },
const struct xen_function xen_functions[] = { XEN_FUNCTIONS(XEN_ENTRY) XEN_PROBE_FUNCTIONS(XEN_ENTRY) };
#undef XEN_ENTRY
static const size_t all_count = sizeof xen_functions / sizeof xen_functions[0];

#define XEN_COUNT(lib, function, release) +1
const size_t xen_function_count = XEN_FUNCTIONS(XEN_COUNT);
#undef XEN_COUNT

static uv_once_t once = UV_ONCE_INIT;

/*
 * libuv's dlopen rather than libc's: a direct reference, linked on Debian 12, would ask for GLIBC_2.34 and not load in a
 * Debian 11 dom0. The libraries stay open as long as the process.
 */
static void load(void)
{
    static uv_lib_t libraries[8];
    static const char *opened[8];
    size_t count = 0;

    for ( size_t i = 0; i < all_count; i++ )
    {
        const struct xen_function *function = &xen_functions[i];
        size_t l = 0;
        void *address = NULL;

        while ( l < count && strcmp(opened[l], function->library) )
            l++;
        if ( l == count )
        {
            opened[count++] = function->library;
            if ( uv_dlopen(function->library, &libraries[l]) )
                libraries[l].handle = NULL;
        }
        if ( libraries[l].handle && !uv_dlsym(&libraries[l], function->name, &address) )
            memcpy((char *)&xen + function->offset, &address, sizeof address);
    }
}

void xen_libs_load(void)
{
    uv_once(&once, load);
}

bool xen_function_present(const struct xen_function *function)
{
    void *address;

    memcpy(&address, (const char *)&xen + function->offset, sizeof address);
    return address != NULL;
}

const struct xen_function *xen_function_at(size_t offset)
{
    for ( size_t i = 0; i < all_count; i++ )
        if ( xen_functions[i].offset == offset )
            return &xen_functions[i];
    return NULL;
}
