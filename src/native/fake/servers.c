/* Servers and the guest's memory: see fake_xen.h. */
#include "hypervisor.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xen/hvm/hvm_op.h>

struct hypervisor hypervisor = { .lock = PTHREAD_MUTEX_INITIALIZER, .notified = PTHREAD_COND_INITIALIZER };

struct fake_server *server_of(unsigned int id)
{
    if ( id < FAKE_SERVERS && hypervisor.servers[id].exists )
        return &hypervisor.servers[id];
    errno = ENOENT;
    return NULL;
}

/* Files for a server's two pages: a restricted process may not make any grow (RLIMIT_FSIZE). */
static int stock[4 * FAKE_SERVERS];

static int make_page(void)
{
    int file = memfd_create("ioreq page", MFD_CLOEXEC);

    return file >= 0 && ftruncate(file, 2 * FAKE_PAGE) ? -1 : file;
}

static __attribute__((constructor)) void stock_up(void)
{
    for ( unsigned int i = 0; i < sizeof stock / sizeof stock[0]; i++ )
        stock[i] = make_page();
}

static int page_file(void)
{
    for ( unsigned int i = 0; i < sizeof stock / sizeof stock[0]; i++ )
        if ( stock[i] > 0 )
        {
            int file = stock[i];

            stock[i] = 0;
            return file;
        }
    return make_page();
}

static int create(int buffered, unsigned int *id)
{
    struct fake_server *server;
    unsigned int i = 0;

    while ( i < FAKE_SERVERS && hypervisor.servers[i].exists )
        i++;
    if ( i == FAKE_SERVERS )
        return FAIL(ENOSPC);
    server = &hypervisor.servers[i];
    if ( server->ring )
    {
        munmap(server->ring, 2 * FAKE_PAGE);
        close(server->file);
    }
    memset(server, 0, sizeof *server);
    server->file = page_file();
    if ( server->file < 0 )
        return -1;
    server->ring = mmap(NULL, 2 * FAKE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, server->file, 0);
    if ( server->ring == MAP_FAILED )
        return -1;
    server->slots = (struct ioreq *)(server->ring + 1);
    server->buffered = buffered;
    server->exists = true;
    fake_held.servers++;
    *id = i;
    return 0;
}

int fake_create_server(int buffered, unsigned int *id)
{
    return LOCKED(create(buffered, id));
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
        server->slots[vcpu].vp_eport = XEN_PORT(id, vcpu);
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

int fake_ring_port(unsigned int id, unsigned int *port)
{
    struct fake_server *server = server_of(id);

    if ( !server )
        return -1;
    *port = server->buffered == HVM_IOREQSRV_BUFIOREQ_OFF ? 0 : XEN_PORT(id, FAKE_RING_VCPU);
    return 0;
}

void *fake_map_frames(unsigned int id, unsigned int first, unsigned int count)
{
    struct fake_server *server = server_of(id);
    void *frames;

    if ( !server )
        return NULL;
    if ( first == 0 && server->buffered == HVM_IOREQSRV_BUFIOREQ_OFF )
    {
        errno = ENOENT;
        return NULL;
    }
    frames = mmap(NULL, count * FAKE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, server->file, first * FAKE_PAGE);
    return frames == MAP_FAILED ? NULL : frames;
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
