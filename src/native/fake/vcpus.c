/* What Xen does on behalf of a guest's vCPUs: see fake_xen.h. */
#include "hypervisor.h"

#include <string.h>
#include <time.h>

#include <xen/hvm/hvm_op.h>

#define DEADLINE_S 20
#define STATE_BYTE 30
#define RING_SLOTS IOREQ_BUFFER_SLOT_NUM

bool fake_vcpu_of_port(unsigned int xen_port, unsigned int *id, unsigned int *vcpu)
{
    unsigned int index = xen_port - FIRST_XEN_PORT;

    *id = index / (FAKE_VCPUS + 1);
    *vcpu = index % (FAKE_VCPUS + 1);
    return xen_port >= FIRST_XEN_PORT && LOCKED(server_of(*id)) != NULL;
}

static void go_on(unsigned int id, unsigned int vcpu);
static bool is_storming(void);

void fake_wake(unsigned int id, unsigned int vcpu)
{
    pthread_mutex_lock(&hypervisor.lock);
    hypervisor.servers[id].notified[vcpu]++;
    go_on(id, vcpu);
    if ( !is_storming() )
        pthread_cond_broadcast(&hypervisor.notified);
    pthread_mutex_unlock(&hypervisor.lock);
}

static uint8_t *state_of(struct ioreq *slot)
{
    return (uint8_t *)slot + STATE_BYTE;
}

static int post(unsigned int id, unsigned int vcpu, const struct ioreq *request)
{
    struct fake_server *server = server_of(id);
    struct ioreq *slot, body = *request;

    if ( !server || !server->enabled || vcpu >= FAKE_VCPUS )
        return FAIL(ENOENT);
    slot = &server->slots[vcpu];
    if ( (__atomic_load_n(state_of(slot), __ATOMIC_ACQUIRE) & 0xf) != STATE_IOREQ_NONE )
        return FAIL(EBUSY);
    body.vp_eport = slot->vp_eport;
    body.state = STATE_IOREQ_NONE;
    memcpy(slot, &body, sizeof body);
    body.state = STATE_IOREQ_READY;
    __atomic_store_n(state_of(slot), *state_of(&body), __ATOMIC_RELEASE);
    return 0;
}

int fake_post(unsigned int id, unsigned int vcpu, const struct ioreq *request)
{
    int result = LOCKED(post(id, vcpu, request));

    if ( !result )
        fake_raise(id, vcpu);
    return result;
}

static int take(unsigned int id, unsigned int vcpu, struct ioreq *answer)
{
    struct fake_server *server = id < FAKE_SERVERS && vcpu < FAKE_VCPUS ? &hypervisor.servers[id] : NULL;
    struct ioreq *slot;

    if ( !server || !server->slots )
        return FAIL(ENOENT);
    if ( !server->notified[vcpu] )
        return FAIL(server->exists ? EAGAIN : ENOENT);
    server->notified[vcpu] = 0;
    slot = &server->slots[vcpu];
    if ( (__atomic_load_n(state_of(slot), __ATOMIC_ACQUIRE) & 0xf) != STATE_IORESP_READY )
        return FAIL(EAGAIN);
    memcpy(answer, slot, sizeof *answer);
    __atomic_store_n(state_of(slot), *state_of(slot) & 0xf0, __ATOMIC_RELEASE);
    return 0;
}

int fake_take(unsigned int id, unsigned int vcpu, struct ioreq *answer)
{
    return LOCKED(take(id, vcpu, answer));
}

static long dawdle_ns;

void fake_dawdle(unsigned int microseconds)
{
    __atomic_store_n(&dawdle_ns, microseconds * 1000L, __ATOMIC_RELAXED);
}

/* Under the lock, which others get meanwhile. */
static void dawdle(void)
{
    struct timespec pause = { .tv_nsec = __atomic_load_n(&dawdle_ns, __ATOMIC_RELAXED) };

    if ( !pause.tv_nsec )
        return;
    pthread_mutex_unlock(&hypervisor.lock);
    nanosleep(&pause, NULL);
    pthread_mutex_lock(&hypervisor.lock);
}

int fake_access(unsigned int id, unsigned int vcpu, const struct ioreq *request, struct ioreq *answer)
{
    struct timespec deadline;
    int result, late = 0;

    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += DEADLINE_S;
    if ( fake_post(id, vcpu, request) )
        return -1;
    pthread_mutex_lock(&hypervisor.lock);
    while ( (result = take(id, vcpu, answer)) && errno == EAGAIN && !late )
    {
        late = pthread_cond_timedwait(&hypervisor.notified, &hypervisor.lock, &deadline);
        dawdle();
    }
    /* Xen forgets a request with its server: the vCPU gets 0, whatever the slot says (vcpu_ioreq_handle_completion). */
    if ( !result && !hypervisor.servers[id].exists )
        answer->data = 0;
    pthread_mutex_unlock(&hypervisor.lock);
    return result && late ? FAIL(late) : result;
}

static int buffer(unsigned int id, const struct ioreq *request)
{
    struct fake_server *server = server_of(id);
    struct buffered_iopage *ring;
    uint64_t *both;
    unsigned int slots = request->size == 8 ? 2 : 1;
    struct buf_ioreq entry = { .type = request->type, .dir = request->dir, .addr = request->addr };

    if ( !server || !server->enabled || server->buffered == HVM_IOREQSRV_BUFIOREQ_OFF )
        return FAIL(ENOENT);
    if ( request->addr > 0xfffff || request->data_is_ptr || request->count != 1 )
        return FAIL(EINVAL);
    ring = server->ring;
    both = (uint64_t *)ring;
    entry.size = request->size == 8 ? 3 : request->size == 4 ? 2 : request->size == 2;
    if ( ring->write_pointer - __atomic_load_n(&ring->read_pointer, __ATOMIC_ACQUIRE) > RING_SLOTS - slots )
        return FAIL(EAGAIN);
    for ( unsigned int i = 0; i < slots; i++ )
    {
        entry.data = request->data >> 32 * i;
        ring->buf_ioreq[(ring->write_pointer + i) % RING_SLOTS] = entry;
    }
    __atomic_store_n(&ring->write_pointer, ring->write_pointer + slots, __ATOMIC_RELEASE);

    for ( uint64_t old = __atomic_load_n(both, __ATOMIC_ACQUIRE);
          server->buffered == HVM_IOREQSRV_BUFIOREQ_ATOMIC && (uint32_t)old >= RING_SLOTS; )
    {
        uint64_t less = (uint32_t)old / RING_SLOTS * RING_SLOTS;

        if ( __atomic_compare_exchange_n(both, &old, old - (less << 32 | less), false, __ATOMIC_ACQ_REL,
                                         __ATOMIC_ACQUIRE) )
            break;
    }
    return 0;
}

int fake_buffer(unsigned int id, const struct ioreq *request)
{
    int result = LOCKED(buffer(id, request));

    if ( !result )
        fake_raise(id, FAKE_RING_VCPU);
    return result;
}

int fake_ring_pointers(unsigned int id, uint32_t pointers[2])
{
    if ( id >= FAKE_SERVERS || !hypervisor.servers[id].ring )
        return FAIL(ENOENT);
    memcpy(pointers, hypervisor.servers[id].ring, 8);
    return 0;
}

int fake_set_ring_pointers(unsigned int id, const uint32_t pointers[2])
{
    if ( id >= FAKE_SERVERS || !hypervisor.servers[id].ring )
        return FAIL(ENOENT);
    memcpy(hypervisor.servers[id].ring, pointers, 8);
    return 0;
}

/* Accesses that still have to be made by whoever answers the one before. */
static struct {
    unsigned int id, vcpu, left;
    struct ioreq request;
} storm;

static bool is_storming(void)
{
    return storm.left;
}

/* Under the lock. */
static void go_on(unsigned int id, unsigned int vcpu)
{
    struct ioreq answer;

    if ( !storm.left || storm.id != id || storm.vcpu != vcpu || take(id, vcpu, &answer) )
        return;
    if ( --storm.left && post(id, vcpu, &storm.request) )
        storm.left = 0;
}

int fake_access_often(unsigned int id, unsigned int vcpu, const struct ioreq *request, unsigned int times)
{
    struct timespec deadline;
    int late = 0;

    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 10 * DEADLINE_S;
    pthread_mutex_lock(&hypervisor.lock);
    storm.id = id;
    storm.vcpu = vcpu;
    storm.request = *request;
    storm.left = times;
    pthread_mutex_unlock(&hypervisor.lock);
    if ( fake_post(id, vcpu, request) )
        return -1;
    pthread_mutex_lock(&hypervisor.lock);
    while ( storm.left && !late )
        late = pthread_cond_timedwait(&hypervisor.notified, &hypervisor.lock, &deadline);
    storm.left = 0;
    pthread_mutex_unlock(&hypervisor.lock);
    return late ? FAIL(late) : 0;
}

static int copy_slot(unsigned int id, unsigned int vcpu, struct ioreq *slot)
{
    if ( id >= FAKE_SERVERS || vcpu >= FAKE_VCPUS || !hypervisor.servers[id].slots )
        return FAIL(ENOENT);
    memcpy(slot, &hypervisor.servers[id].slots[vcpu], sizeof *slot);
    return 0;
}

int fake_slot(unsigned int id, unsigned int vcpu, struct ioreq *slot)
{
    return LOCKED(copy_slot(id, vcpu, slot));
}

static int set_state(unsigned int id, unsigned int vcpu, unsigned int state)
{
    uint8_t *byte;

    if ( id >= FAKE_SERVERS || vcpu >= FAKE_VCPUS || !hypervisor.servers[id].slots )
        return FAIL(ENOENT);
    byte = state_of(&hypervisor.servers[id].slots[vcpu]);
    __atomic_store_n(byte, (*byte & 0xf0) | state, __ATOMIC_RELEASE);
    return 0;
}

int fake_set_state(unsigned int id, unsigned int vcpu, unsigned int state)
{
    return LOCKED(set_state(id, vcpu, state));
}

int fake_send_event(unsigned int id, unsigned int vcpu)
{
    if ( !LOCKED(server_of(id)) || vcpu > FAKE_RING_VCPU )
        return FAIL(ENOENT);
    fake_raise(id, vcpu);
    return 0;
}
