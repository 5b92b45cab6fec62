#include "watchdog.h"

#include <uv.h>

#include "process.h"

/* How often the servers are looked at; and, while a server is in the watchdog's hands, how often it answers. */
#define LOOK_NS 250000000ull
#define SERVE_NS 1000000ull

struct watch {
    bool watched;
    uint32_t owner;    /* the server's when it was last looked at; with the number of its request */
    uint64_t since_ns; /* when that was first seen */
};

static struct {
    bool running;
    uint64_t limit_ns;
    uv_thread_t thread;
    uv_cond_t wake;
    uv_mutex_t lock; /* of all below, and of the watched servers' slots once a server is in the watchdog's hands */
    struct watch watches[MAX_SERVERS];
} watchdog;

bool watchdog_fired(const struct server *server)
{
    return (__atomic_load_n(&server->owner, __ATOMIC_ACQUIRE) & OWNER_MASK) == OWNER_WATCHDOG;
}

static void look_at(struct server *server, struct watch *watch)
{
    uint32_t owner = __atomic_load_n(&server->owner, __ATOMIC_ACQUIRE);
    uint64_t now = uv_hrtime();

    if ( (owner & OWNER_MASK) != OWNER_HANDLER || watch->owner != owner )
    {
        watch->owner = owner;
        watch->since_ns = now;
    }
    else if ( now - watch->since_ns > watchdog.limit_ns )
        /* Fails when the handler has just come back; it then answers itself. */
        __atomic_compare_exchange_n(&server->owner, &owner, OWNER_WATCHDOG, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static void run(void *unused)
{
    (void)unused;
    uv_mutex_lock(&watchdog.lock);
    for ( ;; )
    {
        bool serving = false;

        for ( unsigned int i = 0; i < MAX_SERVERS; i++ )
        {
            struct server *server = &process.servers[i];

            if ( !watchdog.watches[i].watched )
                continue;
            look_at(server, &watchdog.watches[i]);
            if ( watchdog_fired(server) )
            {
                /* The handler's thread touches neither slots nor channels any more (answer_taken in hot_loop.c). */
                server_answer_open(server, TRACE_WATCHDOG);
                serving = true;
            }
        }
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
    watchdog.watches[server - process.servers] = (struct watch){ .watched = watched };
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
