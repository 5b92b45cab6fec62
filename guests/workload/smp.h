/* The other vCPUs. */
#ifndef SMP_H
#define SMP_H

/* Starts them all; they report themselves to the boot record. Does not wait: nobody says how many there are. */
void smp_start_others(void);

/* Waits until no further vCPU has come up for a while. */
void smp_settle(void);

#endif
