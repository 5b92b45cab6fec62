/**
 * For tests of runs: the guest dies of a triple fault, with QEMU beside it and other vCPUs waiting for work.
 */
import { scenario } from 'ioreqlab/scenario';

scenario('a guest that dies', { environments: ['hvm'] }, async ({ guest }) => {
  await guest.run((program) => program.in(0x5555, 1).crash());
});
