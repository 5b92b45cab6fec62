/*
 * A request as the handler reads it, and its answer: the words that src/server/request.ts maps. 64 bytes, a cache line,
 * so that lanes do not disturb each other.
 */
#ifndef IOREQLAB_REQUEST_H
#define IOREQLAB_REQUEST_H

#include <stddef.h>
#include <stdint.h>

enum request_bit {
    REQUEST_READ = 1,
    REQUEST_POINTER = 2,   /* data_is_ptr */
    REQUEST_BACKWARDS = 4, /* df */
    REQUEST_BUFFERED = 8,  /* from the ring: nobody waits for an answer, and the vCPU is not known (0) */
};

struct request {
    uint32_t code; /* enum serve_code of the last call */
    uint32_t vcpu;
    uint32_t type;
    uint32_t bits; /* enum request_bit */
    uint64_t addr;
    uint64_t data;
    uint32_t count;
    uint32_t size;
    uint64_t answer;
    uint32_t region;       /* JavaScript's: whose handler was called last */
    uint32_t ring_damaged; /* how often the ring's pointers or an entry were what no Xen leaves */
    uint32_t pad[2];
} __attribute__((aligned(64)));

#define REQUEST_WORDS (sizeof(struct request) / sizeof(uint32_t))
#define REQUEST_WORD(field) (offsetof(struct request, field) / sizeof(uint32_t))

_Static_assert(REQUEST_WORDS == 16, "src/server/request.ts maps 16 words");

#endif
