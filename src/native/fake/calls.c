/* Which library functions were called, and which are to fail: see fake_xen.h. */
#include "fake_xen.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define MAX_FUNCTIONS 64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char name[64];
    unsigned int calls, failures;
    int error;
} functions[MAX_FUNCTIONS];

struct fake_held fake_held;
bool fake_restricted;

/* The place of a function, made when it is first named. */
static unsigned int function_index(const char *name)
{
    unsigned int i = 0;

    while ( i < MAX_FUNCTIONS - 1 && functions[i].name[0] && strcmp(functions[i].name, name) )
        i++;
    strncpy(functions[i].name, name, sizeof functions[i].name - 1);
    return i;
}

bool fake_refuses(const char *function)
{
    bool refused;
    unsigned int i;

    pthread_mutex_lock(&lock);
    i = function_index(function);
    functions[i].calls++;
    refused = functions[i].failures > 0;
    if ( refused )
    {
        functions[i].failures--;
        errno = functions[i].error;
    }
    pthread_mutex_unlock(&lock);
    return refused;
}

void fake_fail(const char *function, int error, unsigned int times)
{
    unsigned int i;

    pthread_mutex_lock(&lock);
    i = function_index(function);
    functions[i].error = error;
    functions[i].failures = times;
    pthread_mutex_unlock(&lock);
}

unsigned int fake_calls(const char *function)
{
    unsigned int calls;

    pthread_mutex_lock(&lock);
    calls = functions[function_index(function)].calls;
    pthread_mutex_unlock(&lock);
    return calls;
}

static struct fake_told told[FAKE_TOLD];
static unsigned int told_count;

int fake_tell(enum fake_told_kind kind, uint64_t a, uint64_t b, uint64_t c)
{
    pthread_mutex_lock(&lock);
    if ( told_count < FAKE_TOLD )
        told[told_count++] = (struct fake_told){ kind, { a, b, c } };
    pthread_mutex_unlock(&lock);
    return 0;
}

unsigned int fake_told(struct fake_told *copy)
{
    unsigned int count;

    pthread_mutex_lock(&lock);
    count = told_count;
    memcpy(copy, told, count * sizeof *copy);
    told_count = 0;
    pthread_mutex_unlock(&lock);
    return count;
}
