#include "watchdog.h"

#include <uv.h>

#include "process.h"

/* How often the lanes are looked at; and, while one is in the watchdog's hands, how often it answers. */
#define LOOK_NS 250000000ull
#define SERVE_NS 1000000ull

static struct {
    bool running;
    uint64_t limit_ns;
    uv_thread_t thread;
    uv_cond_t wake;
    uv_mutex_t lock; /* of the lanes' watches, and of a lane's slots and ring once it is in the watchdog's hands */
} watchdog;

bool watchdog_fired(const struct lane *lane)
{
    return (__atomic_load_n(&lane->owner, __ATOMIC_ACQUIRE) & OWNER_MASK) == OWNER_WATCHDOG;
}

static void look_at(struct lane *lane)
{
    struct watch *watch = &lane->watch;
    uint32_t owner = __atomic_load_n(&lane->owner, __ATOMIC_ACQUIRE);
    uint64_t now = uv_hrtime();

    if ( (owner & OWNER_MASK) != OWNER_HANDLER || watch->owner != owner )
    {
        watch->owner = owner;
        watch->since_ns = now;
    }
    else if ( now - watch->since_ns > watchdog.limit_ns )
        /* Fails when the handler has just come back; it then answers itself. */
        __atomic_compare_exchange_n(&lane->owner, &owner, OWNER_WATCHDOG, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* True when the lane is in the watchdog's hands. */
static bool attend(struct lane *lane)
{
    if ( !lane->watch.watched )
        return false;
    look_at(lane);
    if ( !watchdog_fired(lane) )
        return false;
    /* The handler's thread touches neither pages nor channels any more (finish_taken in hot_loop.c). */
    lane_answer_open(lane, TRACE_WATCHDOG);
    return true;
}

static void run(void *unused)
{
    (void)unused;
    uv_mutex_lock(&watchdog.lock);
    for ( ;; )
    {
        bool serving = false;

        for ( unsigned int i = 0; i < MAX_SERVERS; i++ )
            for ( unsigned int l = 0; l < process.servers[i].lane_count; l++ )
                serving |= attend(&process.servers[i].lanes[l]);
        uv_cond_timedwait(&watchdog.wake, &watchdog.lock, serving ? SERVE_NS : LOOK_NS);
    }
}

int watchdog_start(uint64_t limit_ns)
{
    int error;

    if ( watchdog.running )
        return 0;
    watchdog.limit_ns = limit_ns;
    if ( (error = uv_mutex_init(&watchdog.lock)) || (error = uv_cond_init(&watchdog.wake)) ||
         (error = uv_thread_create(&watchdog.thread, run, NULL)) )
        return error;
    watchdog.running = true;
    return 0;
}

static void set_watched(struct server *server, bool watched)
{
    if ( !watchdog.running )
        return;
    uv_mutex_lock(&watchdog.lock);
    for ( unsigned int i = 0; i < server->lane_count; i++ )
        server->lanes[i].watch = (struct watch){ .watched = watched };
    uv_mutex_unlock(&watchdog.lock);
}

void watchdog_watch(struct server *server)
{
    set_watched(server, true);
}

void watchdog_release(struct server *server)
{
    set_watched(server, false);
}
