/* Servers and the guest's memory: see fake_xen.h. */
#include "hypervisor.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct hypervisor hypervisor = { .lock = PTHREAD_MUTEX_INITIALIZER, .notified = PTHREAD_COND_INITIALIZER };

struct fake_server *server_of(unsigned int id)
{
    if ( id < FAKE_SERVERS && hypervisor.servers[id].exists )
        return &hypervisor.servers[id];
    errno = ENOENT;
    return NULL;
}

static int create(unsigned int *id)
{
    struct fake_server *server;
    unsigned int i = 0;

    while ( i < FAKE_SERVERS && hypervisor.servers[i].exists )
        i++;
    if ( i == FAKE_SERVERS )
        return FAIL(ENOSPC);
    server = &hypervisor.servers[i];
    if ( server->slots )
    {
        munmap(server->slots, FAKE_PAGE);
        close(server->file);
    }
    memset(server, 0, sizeof *server);
    server->file = memfd_create("ioreq page", MFD_CLOEXEC);
    if ( server->file < 0 || ftruncate(server->file, FAKE_PAGE) )
        return -1;
    server->slots = mmap(NULL, FAKE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, server->file, 0);
    if ( server->slots == MAP_FAILED )
        return -1;
    server->exists = true;
    fake_held.servers++;
    *id = i;
    return 0;
}

int fake_create_server(unsigned int *id)
{
    return LOCKED(create(id));
}

int fake_find_server(unsigned int id)
{
    return LOCKED(server_of(id)) ? 0 : -1;
}

/* The page stays until the id is used again: a vCPU may still have to take its answer. */
static int destroy(unsigned int id)
{
    struct fake_server *server = server_of(id);

    if ( !server )
        return -1;
    server->exists = server->enabled = false;
    fake_held.servers--;
    pthread_cond_broadcast(&hypervisor.notified);
    return 0;
}

int fake_destroy_server(unsigned int id)
{
    return LOCKED(destroy(id));
}

void fake_clear_up(void)
{
    for ( unsigned int id = 0; id < FAKE_SERVERS; id++ )
        fake_destroy_server(id);
    fake_held.pages = 0;
}

/* As in Xen, a slot learns its channel only when the server is enabled. */
static int enable(unsigned int id, bool enabled)
{
    struct fake_server *server = server_of(id);

    if ( !server )
        return -1;
    server->enabled = enabled;
    for ( unsigned int vcpu = 0; enabled && vcpu < FAKE_VCPUS; vcpu++ )
        server->slots[vcpu].vp_eport = FIRST_XEN_PORT + id * FAKE_VCPUS + vcpu;
    return 0;
}

int fake_enable_server(unsigned int id, bool enabled)
{
    return LOCKED(enable(id, enabled));
}

static int change_range(unsigned int id, struct fake_range range, bool add)
{
    struct fake_server *server = server_of(id);

    if ( !server )
        return -1;
    if ( range.start > range.end )
        return FAIL(EINVAL);
    for ( unsigned int i = 0; i < server->range_count; i++ )
    {
        struct fake_range *other = &server->ranges[i];

        if ( other->kind != range.kind || other->start > range.end || range.start > other->end )
            continue;
        if ( add )
            return FAIL(EEXIST);
        *other = server->ranges[--server->range_count];
        return 0;
    }
    if ( !add )
        return FAIL(ENOENT);
    if ( server->range_count == FAKE_RANGES )
        return FAIL(ENOMEM);
    server->ranges[server->range_count++] = range;
    return 0;
}

int fake_add_range(unsigned int id, struct fake_range range)
{
    return LOCKED(change_range(id, range, true));
}

int fake_remove_range(unsigned int id, struct fake_range range)
{
    return LOCKED(change_range(id, range, false));
}

int fake_ranges(unsigned int id, struct fake_range *ranges)
{
    struct fake_server *server = server_of(id);

    if ( !server )
        return -1;
    memcpy(ranges, server->ranges, sizeof server->ranges);
    return server->range_count;
}

void *fake_map_page(unsigned int id)
{
    struct fake_server *server = server_of(id);
    void *page = server ? mmap(NULL, FAKE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, server->file, 0) : MAP_FAILED;

    return page == MAP_FAILED ? NULL : page;
}

int fake_memory(void)
{
    static int file = -1;

    pthread_mutex_lock(&hypervisor.lock);
    if ( file < 0 )
        file = memfd_create("guest memory", MFD_CLOEXEC);
    if ( ftruncate(file, FAKE_FRAMES * FAKE_PAGE) )
        file = -1;
    pthread_mutex_unlock(&hypervisor.lock);
    return file;
}
