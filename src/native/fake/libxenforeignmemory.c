/* The fake libxenforeignmemory.so.1: see fake_xen.h. */
#include "fake_xen.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <xen/memory.h>
#include <xenforeignmemory.h>

struct xenforeignmemory_handle {
    char unused;
};

struct xenforeignmemory_resource_handle {
    void *start;
    size_t frames;
};

xenforeignmemory_handle *xenforeignmemory_open(struct xentoollog_logger *logger, unsigned int flags)
{
    (void)logger, (void)flags;
    if ( REFUSED() )
        return NULL;
    fake_held.handles++;
    return malloc(sizeof(xenforeignmemory_handle));
}

int xenforeignmemory_close(xenforeignmemory_handle *handle)
{
    if ( REFUSED() )
        return -1;
    fake_held.handles--;
    free(handle);
    return 0;
}

/* Frames without memory are told in `errors`; the call as a whole succeeds, as the real one does. */
void *xenforeignmemory_map(xenforeignmemory_handle *handle, uint32_t domid, int protection, size_t pages,
                           const xen_pfn_t frames[], int errors[])
{
    char *start;

    (void)handle;
    if ( REFUSED() || (domid != FAKE_DOMID && (errno = ESRCH)) )
        return NULL;
    start = mmap(NULL, pages * FAKE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if ( start == MAP_FAILED )
        return NULL;
    for ( size_t i = 0; i < pages; i++ )
    {
        errors[i] = frames[i] < FAKE_FRAMES ? 0 : -EINVAL;
        if ( !errors[i] && mmap(start + i * FAKE_PAGE, FAKE_PAGE, protection, MAP_SHARED | MAP_FIXED, fake_memory(),
                                frames[i] * FAKE_PAGE) == MAP_FAILED )
            errors[i] = -errno;
    }
    __atomic_add_fetch(&fake_held.frames, pages, __ATOMIC_RELAXED);
    return start;
}

int xenforeignmemory_unmap(xenforeignmemory_handle *handle, void *address, size_t pages)
{
    (void)handle;
    if ( REFUSED() )
        return -1;
    __atomic_sub_fetch(&fake_held.frames, pages, __ATOMIC_RELAXED);
    return munmap(address, pages * FAKE_PAGE);
}

#if RELEASE >= 411
xenforeignmemory_resource_handle *xenforeignmemory_map_resource(xenforeignmemory_handle *handle, domid_t domid,
                                                                unsigned int type, unsigned int id, unsigned long frame,
                                                                unsigned long frames, void **address, int protection,
                                                                int flags)
{
    xenforeignmemory_resource_handle *resource;
    void *start;

    (void)handle, (void)protection;
    if ( REFUSED() )
        return NULL;
    if ( domid != FAKE_DOMID || type != XENMEM_resource_ioreq_server || flags || frames == 0 ||
         frame + frames > XENMEM_resource_ioreq_server_frame_ioreq(0) + 1 )
    {
        errno = EINVAL;
        return NULL;
    }
    start = fake_map_frames(id, frame, frames);
    resource = start ? malloc(sizeof *resource) : NULL;
    if ( !resource )
        return NULL;
    fake_held.pages += frames;
    resource->frames = frames;
    *address = resource->start = start;
    return resource;
}

int xenforeignmemory_unmap_resource(xenforeignmemory_handle *handle, xenforeignmemory_resource_handle *resource)
{
    (void)handle;
    if ( REFUSED() )
        return -1;
    fake_held.pages -= resource->frames;
    munmap(resource->start, resource->frames * FAKE_PAGE);
    free(resource);
    return 0;
}
#endif
