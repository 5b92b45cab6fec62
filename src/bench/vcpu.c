/*
 * The client of the bench: plays Xen and a guest's vCPU towards the device model that it starts, and measures round trips.
 *
 *   vcpu ROUNDS REQUESTS WARMUP CPU-OF-SERVERS CPU-OF-VCPU COMMAND...
 *
 * COMMAND is the device model: it inherits the memory and the eventfds (link.h), says `ready` when server 0 (TypeScript)
 * and server 1 (C) serve, and answers each line on its stdin, `spin 0`, `spin 1`, `block`, with `ok`.
 *
 * Prints one line for each thing measured, in nanoseconds:
 *
 *   first SERVER NS
 *   round MODE SERVER P50 P99 SWITCHES      SWITCHES: how often something else took the vCPU's processor
 */
#include "link.h"

#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define PORT 0x5000
#define VALUE 0x5a

enum mode { BLOCKING, SPINNING, MODES };
static const char *const mode_names[MODES] = { "blocking", "spinning" };
static const char *const server_names[LINK_SERVERS] = { "ts", "c" };

static volatile struct ioreq *slot;
static struct link_channel *channel;
static FILE *to_servers, *from_servers;
static double ns_per_cycle;

static uint64_t rdtsc(void)
{
    uint32_t low, high;

    /* As guests take time stamps: nothing moves across. */
    __asm__ volatile ( "lfence; rdtsc; lfence" : "=a" (low), "=d" (high) :: "memory" );
    return (uint64_t)high << 32 | low;
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static void pin(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if ( sched_setaffinity(0, sizeof set, &set) )
        err(1, "pinning to CPU %d", cpu);
}

/*
 * A guest does something between its accesses, and not each time for as long: without this a spinning server would meet
 * each request in the same phase of its loop (one PAUSE takes up to 140 cycles), and luck would decide which.
 */
static void idle(void)
{
    static uint32_t random = 1;
    uint64_t until;

    random = random * 1664525 + 1013904223;
    until = rdtsc() + (random >> 22); /* up to 1023 cycles */
    while ( rdtsc() < until )
        ;
}

/* One request, from before it is posted until its answer was taken. */
static uint64_t round_trip(unsigned int server, enum mode mode, bool is_read)
{
    volatile uint8_t *state = (volatile uint8_t *)slot + 30;
    uint64_t start = rdtsc(), end, one = 1;

    slot->addr = PORT;
    slot->data = is_read ? 0 : VALUE;
    slot->count = 1;
    slot->size = 1;
    slot->type = IOREQ_TYPE_PIO;
    if ( mode == BLOCKING )
        __atomic_store_n(&channel->sleeping, 1, __ATOMIC_RELAXED);
    __atomic_store_n(state, STATE_IOREQ_READY | (is_read ? 1 << 5 : 0), __ATOMIC_SEQ_CST);
    if ( !__atomic_exchange_n(&channel->masked, 1, __ATOMIC_SEQ_CST) &&
         write(LINK_FD_HANDLES + channel->handles[server], &one, sizeof one) != sizeof one )
        err(1, "waking the server");
    if ( mode == BLOCKING )
    {
        if ( read(LINK_FD_VCPU, &one, sizeof one) != sizeof one )
            err(1, "waiting for the server");
    }
    else
        while ( (__atomic_load_n(state, __ATOMIC_ACQUIRE) & 0xf) != STATE_IORESP_READY )
            __asm__ volatile ( "pause" ::: "memory" );
    if ( (__atomic_load_n(state, __ATOMIC_ACQUIRE) & 0xf) != STATE_IORESP_READY || (slot->data & 0xff) != VALUE )
        errx(1, "the server answered 0x%llx in state %u", (unsigned long long)slot->data, *state & 0xf);
    __atomic_store_n(state, STATE_IOREQ_NONE, __ATOMIC_RELEASE);
    end = rdtsc();
    return end - start;
}

static void expect(const char *word)
{
    char line[64];

    if ( !fgets(line, sizeof line, from_servers) || strncmp(line, word, strlen(word)) )
        errx(1, "the device model did not say %s", word);
}

static void tell(enum mode mode, unsigned int server)
{
    if ( mode == SPINNING )
        fprintf(to_servers, "spin %u\n", server);
    else
        fputs("block\n", to_servers);
    fflush(to_servers);
    expect("ok");
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static void measure(enum mode mode, unsigned int server, uint32_t *samples, unsigned int requests, unsigned int warmup)
{
    struct rusage before, after;

    tell(mode, server);
    for ( unsigned int i = 0; i < warmup; i++ )
        round_trip(server, mode, true);
    getrusage(RUSAGE_SELF, &before);
    for ( unsigned int i = 0; i < requests; i++ )
    {
        uint64_t cycles;

        idle();
        cycles = round_trip(server, mode, true);
        samples[i] = cycles > UINT32_MAX ? UINT32_MAX : cycles;
    }
    getrusage(RUSAGE_SELF, &after);
    qsort(samples, requests, sizeof *samples, compare);
    printf("round %s %s %.1f %.1f %ld\n", mode_names[mode], server_names[server],
           samples[requests / 2] * ns_per_cycle, samples[requests * 99ull / 100] * ns_per_cycle,
           after.ru_nivcsw - before.ru_nivcsw);
    fflush(stdout);
}

static void *share(void)
{
    size_t bytes = LINK_FRAMES * LINK_PAGE;
    int fd = memfd_create("ioreqlab-bench", 0);
    void *memory;

    if ( fd < 0 || ftruncate(fd, bytes) || dup2(fd, LINK_FD_MEMORY) < 0 )
        err(1, "shared memory");
    close(fd);
    for ( int at = LINK_FD_VCPU; at < LINK_FD_END; at++ )
    {
        fd = eventfd(0, 0);
        if ( fd < 0 || dup2(fd, at) < 0 )
            err(1, "eventfd");
        close(fd);
    }
    memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, LINK_FD_MEMORY, 0);
    if ( memory == MAP_FAILED )
        err(1, "shared memory");
    return memory;
}

static void start(char **command, int cpu)
{
    int to[2], from[2];

    if ( pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC) )
        err(1, "pipe");
    switch ( fork() )
    {
    case -1:
        err(1, "fork");
    case 0:
        /* Ends with us, however we end. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pin(cpu);
        if ( dup2(to[0], 0) < 0 || dup2(from[1], 1) < 0 )
            err(1, "dup2");
        execv(command[0], command);
        err(1, "%s", command[0]);
    }
    close(to[0]);
    close(from[1]);
    to_servers = fdopen(to[1], "w");
    from_servers = fdopen(from[0], "r");
}

int main(int count, char **words)
{
    unsigned int rounds, requests, warmup;
    uint32_t *samples;
    uint64_t ns, cycles;
    char *memory;
    int cpus[MODES];

    if ( count < 7 )
        errx(2, "see the head of vcpu.c");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    rounds = strtoul(words[1], NULL, 10);
    requests = strtoul(words[2], NULL, 10);
    warmup = strtoul(words[3], NULL, 10);
    cpus[BLOCKING] = strtoul(words[4], NULL, 10);
    cpus[SPINNING] = strtoul(words[5], NULL, 10);
    samples = malloc(requests * sizeof *samples);
    memory = share();
    if ( !samples )
        err(1, "malloc");
    memset(samples, 0, requests * sizeof *samples); /* no page fault later */
    slot = (struct ioreq *)(memory + LINK_SLOTS * LINK_PAGE);
    slot->vp_eport = LINK_REMOTE_PORT;
    channel = (struct link_channel *)(memory + LINK_CHANNEL * LINK_PAGE);
    /*
     * Nobody takes the processor away by waking up: whoever wakes the other goes on until it sleeps, so that each round
     * trip takes the same way.
     */
    if ( sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){ 0 }) )
        err(1, "sched_setscheduler");
    ns = now_ns();
    cycles = rdtsc();
    start(words + 6, cpus[BLOCKING]);
    expect("ready");
    ns_per_cycle = (double)(now_ns() - ns) / (rdtsc() - cycles);
    pin(cpus[BLOCKING]);
    for ( unsigned int server = 0; server < LINK_SERVERS; server++ )
        printf("first %s %.0f\n", server_names[server], round_trip(server, BLOCKING, false) * ns_per_cycle);
    /* Once is not enough: a server that has just been woken for something else may answer in the other's place. */
    for ( unsigned int server = 0; server < LINK_SERVERS; server++ )
        for ( unsigned int i = 0; i < 100; i++ )
            round_trip(server, BLOCKING, false);
    for ( unsigned int mode = 0; mode < MODES; mode++ )
    {
        pin(cpus[mode]);
        /* Long enough for JavaScript's compiler; then A B B A, so that what drifts falls on both alike. */
        for ( unsigned int server = 0; server < LINK_SERVERS; server++ )
        {
            tell(mode, server);
            for ( unsigned int i = 0; i < 20 * warmup; i++ )
                round_trip(server, mode, true);
        }
        for ( unsigned int round = 0; round < rounds; round++ )
            for ( unsigned int turn = 0; turn < LINK_SERVERS; turn++ )
                measure(mode, (round + turn) % LINK_SERVERS, samples, requests, warmup);
    }
    return 0;
}
