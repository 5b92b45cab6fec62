/* Where the vCPUs of one run meet. */
#ifndef BARRIER_H
#define BARRIER_H

#include <stdbool.h>
#include <stdint.h>

/* Waits for all `participants` of run `sequence`; false when that took more than `timeout` TSC cycles. */
bool barrier_wait(uint32_t sequence, uint32_t participants, uint64_t timeout);

#endif
