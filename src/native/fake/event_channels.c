/*
 * The device model's ends of event channels, as Linux's /dev/xen/evtchn hands them out (drivers/xen/evtchn.c): a port
 * that fires is masked and queued for reading; unmasking it queues it again when it has fired meanwhile.
 */
#include "fake_xen.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_PORTS 1024

struct fake_handle {
    int read_end, write_end;
};

struct port {
    struct fake_handle *handle; /* NULL: free */
    bool masked, pending;
    unsigned int peer;    /* the other end, when that is ours too */
    bool is_vcpus;        /* the other end is this vCPU's */
    unsigned int id, vcpu;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct port ports[MAX_PORTS]; /* 0 is no port */
static unsigned int waiting;

#define FAIL(error) (errno = (error), -1)

struct fake_handle *fake_open_handle(void)
{
    struct fake_handle *handle = malloc(sizeof *handle);
    int ends[2];

    if ( fake_restricted )
        return errno = EACCES, NULL;
    if ( !handle || pipe2(ends, O_CLOEXEC) )
        return NULL;
    handle->read_end = ends[0];
    handle->write_end = ends[1];
    return handle;
}

int fake_handle_fd(struct fake_handle *handle)
{
    return handle->read_end;
}

static void forget(struct port *port)
{
    *port = (struct port){ 0 };
    __atomic_sub_fetch(&fake_held.ports, 1, __ATOMIC_RELAXED);
}

int fake_close_handle(struct fake_handle *handle)
{
    pthread_mutex_lock(&lock);
    for ( unsigned int i = 1; i < MAX_PORTS; i++ )
        if ( ports[i].handle == handle )
            forget(&ports[i]);
    pthread_mutex_unlock(&lock);
    close(handle->read_end);
    close(handle->write_end);
    free(handle);
    return 0;
}

void fake_unbind_all(void)
{
    pthread_mutex_lock(&lock);
    for ( unsigned int i = 1; i < MAX_PORTS; i++ )
        if ( ports[i].handle )
            forget(&ports[i]);
    pthread_mutex_unlock(&lock);
}

/* Under the lock. */
static void fire(unsigned int number)
{
    struct port *port = &ports[number];

    if ( !port->handle )
        return;
    if ( port->masked )
        port->pending = true;
    else
    {
        port->masked = true;
        if ( write(port->handle->write_end, &number, sizeof number) != sizeof number )
            abort();
    }
}

/* Under the lock. */
static int bind_port(struct port made)
{
    for ( unsigned int i = 1; i < MAX_PORTS; i++ )
    {
        if ( ports[i].handle )
            continue;
        ports[i] = made;
        __atomic_add_fetch(&fake_held.ports, 1, __ATOMIC_RELAXED);
        return i;
    }
    return FAIL(ENOSPC);
}

int fake_bind_unbound(struct fake_handle *handle)
{
    int port;

    if ( fake_restricted )
        return FAIL(EACCES);
    pthread_mutex_lock(&lock);
    port = bind_port((struct port){ .handle = handle });
    pthread_mutex_unlock(&lock);
    return port;
}

int fake_bind_peer(struct fake_handle *handle, unsigned int peer)
{
    int port;

    if ( fake_restricted )
        return FAIL(EACCES);
    if ( peer == 0 || peer >= MAX_PORTS || !ports[peer].handle || ports[peer].peer || ports[peer].is_vcpus )
        return FAIL(EINVAL);
    pthread_mutex_lock(&lock);
    port = bind_port((struct port){ .handle = handle, .peer = peer });
    if ( port > 0 )
    {
        ports[peer].peer = port;
        fire(port);
    }
    pthread_mutex_unlock(&lock);
    return port;
}

/* Binding raises the new end, whether something has happened or not: evtchn_bind_interdomain() in Xen. */
int fake_bind_vcpu(struct fake_handle *handle, unsigned int id, unsigned int vcpu)
{
    int port;

    pthread_mutex_lock(&lock);
    port = bind_port((struct port){ .handle = handle, .is_vcpus = true, .id = id, .vcpu = vcpu });
    if ( port > 0 )
        fire(port);
    pthread_mutex_unlock(&lock);
    return port;
}

static struct port *port_of(struct fake_handle *handle, unsigned int port)
{
    if ( port > 0 && port < MAX_PORTS && ports[port].handle == handle )
        return &ports[port];
    errno = ENOTCONN;
    return NULL;
}

int fake_unbind(struct fake_handle *handle, unsigned int number)
{
    struct port *port;

    pthread_mutex_lock(&lock);
    port = port_of(handle, number);
    if ( port )
        forget(port);
    pthread_mutex_unlock(&lock);
    return port ? 0 : -1;
}

int fake_notify(struct fake_handle *handle, unsigned int number)
{
    struct port port = { 0 };

    pthread_mutex_lock(&lock);
    if ( port_of(handle, number) )
        port = ports[number];
    if ( port.peer )
        fire(port.peer);
    pthread_mutex_unlock(&lock);
    if ( port.is_vcpus )
        fake_wake(port.id, port.vcpu);
    return port.handle ? 0 : -1;
}

int fake_pending(struct fake_handle *handle)
{
    unsigned int port;
    ssize_t got;

    __atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
    got = read(handle->read_end, &port, sizeof port);
    __atomic_sub_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
    return got == sizeof port ? (int)port : -1;
}

int fake_unmask(struct fake_handle *handle, unsigned int number)
{
    struct port *port;

    pthread_mutex_lock(&lock);
    port = port_of(handle, number);
    if ( port )
    {
        port->masked = false;
        if ( port->pending )
        {
            port->pending = false;
            fire(number);
        }
    }
    pthread_mutex_unlock(&lock);
    return port ? 0 : -1;
}

void fake_raise(unsigned int id, unsigned int vcpu)
{
    pthread_mutex_lock(&lock);
    for ( unsigned int i = 1; i < MAX_PORTS; i++ )
        if ( ports[i].handle && ports[i].is_vcpus && ports[i].id == id && ports[i].vcpu == vcpu )
            fire(i);
    pthread_mutex_unlock(&lock);
}

unsigned int fake_waiting(void)
{
    return __atomic_load_n(&waiting, __ATOMIC_SEQ_CST);
}
