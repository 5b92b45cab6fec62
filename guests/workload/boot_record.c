#include "boot_record.h"

#include "checksum.h"
#include "environment.h"
#include "io.h"
#include "lock.h"
#include "paging.h"
#include "vectors.h"

extern uint64_t boot_entry_tsc;

static struct boot_record *const record = (struct boot_record *)MEMORY_BOOT_RECORD;
static struct lock lock;
static uint64_t last_join;

static uint32_t features(void)
{
    return (vectors_have_avx() ? FEATURE_AVX : 0) | (paging_has_gib_pages() ? FEATURE_GIB_PAGES : 0) |
           (environment_xen_version() ? FEATURE_XEN : 0);
}

static void begin(void)
{
    *record = (struct boot_record){
        .magic = MAGIC_BOOT,
        .format = FORMAT_DIGEST,
        .environment = environment_kind(),
        .xen_version = environment_xen_version(),
        .features = features(),
        .mapped_gib = paging_mapped_gib(),
    };
}

bool boot_record_join(const struct cpu *cpu)
{
    bool fits = cpu->vcpu < MAX_VCPUS;

    lock_take(&lock);
    if (last_join == 0)
        begin();
    last_join = rdtsc();
    /* One that was there already was reset: INIT and SIPI of another one. */
    if (fits && !(record->vcpu_mask & 1u << cpu->vcpu)) {
        if (record->vcpus_online == 0)
            record->boot_cycles = last_join - boot_entry_tsc;
        record->vcpus_online++;
        record->vcpu_mask |= 1u << cpu->vcpu;
        record->apic_ids[cpu->vcpu] = (uint8_t)cpu->apic_id;
        record->checksum = checksum(CHECKSUM_START, record, offsetof(struct boot_record, checksum));
    }
    lock_release(&lock);
    return fits;
}

uint32_t boot_record_online(void) { return __atomic_load_n(&record->vcpus_online, __ATOMIC_ACQUIRE); }

uint64_t boot_record_last_join(void) { return __atomic_load_n(&last_join, __ATOMIC_ACQUIRE); }
