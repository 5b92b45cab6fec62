#include "control.h"

#include "boot_record.h"
#include "console.h"
#include "environment.h"
#include "halt.h"
#include "io.h"
#include "mailbox.h"
#include "smp.h"

#define IDLE_PAUSES 100

static void say_nobody(void)
{
    static bool said;

    if (__atomic_test_and_set(&said, __ATOMIC_RELAXED))
        return;
    smp_settle();
    console_begin();
    console_text("nobody owns control port ");
    console_hex(CONTROL_PORT);
    console_text(", ");
    console_number(boot_record_online());
    console_text(" vCPUs, ");
    console_text(environment_kind() == ENVIRONMENT_HVM ? "hvm" : "pvh");
    console_text(", stopped");
    console_end();
}

/* Before asking again: who answers at once, and with nothing to do, is a stand-in that others wait for as well. */
static void idle(void)
{
    for (unsigned int i = 0; i < IDLE_PAUSES; i++)
        pause();
}

void control_loop(struct cpu *cpu)
{
    for (;;) {
        switch (in32(CONTROL_PORT)) {
        case CONTROL_RUN:
            mailbox_run(cpu);
            break;
        case CONTROL_RUN_IF_NEW:
            if (mailbox_sequence(cpu) != cpu->last_sequence)
                mailbox_run(cpu);
            else
                idle();
            break;
        case CONTROL_STOP:
            halt();
        case CONTROL_NOBODY:
            say_nobody();
            halt();
        default:
            idle();
        }
    }
}
