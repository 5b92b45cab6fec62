/**
 * # Background
 * All that a device model asks of Xen goes through dm_op (xen/arch/x86/hvm/dm.c, xen/common/ioreq.c). Which id a server
 * gets, what is refused and with which error, who gets an access: the model in src/model says it for every version.
 *
 * # Method
 * Sequences of operations and accesses are generated from a seed and made on the model and on a real guest, in step:
 * what each operation gives, what each access reads, and what each server saw must be the same. A difference is reduced
 * to a short sequence. `IOREQLAB_CONFORMANCE_SEQUENCES` makes more sequences, `IOREQLAB_CONFORMANCE_SEED` repeats one.
 *
 * # A broken Xen
 * would give another id or error than its source says, lose a range, or ask the wrong server.
 */
import fc from 'fast-check';
import { expect, scenario } from 'ioreqlab/scenario';
import { CONTROL_PORT } from 'ioreqlab/program';
import { compare, describe, shrink } from './lockstep.ts';
import { beginning, sequences } from './steps.ts';

const sequenceCount = Number(process.env['IOREQLAB_CONFORMANCE_SEQUENCES'] ?? 2);
const seed = Number(process.env['IOREQLAB_CONFORMANCE_SEED'] ?? 1);
const pieces = 60;

scenario(
  'Xen does with operations what its model does',
  { timeoutMs: 120_000 + sequenceCount * 30_000, oracle: 'off because it has servers of its own' },
  async (given) => {
    const { guest, xenVersion } = given;
    const state = {
      xenVersion: await xenVersion(),
      environment: guest.environment,
      vcpus: guest.vcpus,
      controlPort: CONTROL_PORT,
    };
    let [operations, accesses] = [0, 0];
    for (let turn = 0; turn < sequenceCount; turn++) {
      const [generated = []] = fc.sample(sequences(pieces), { seed: seed + turn, numRuns: 1 });
      const steps = [...beginning, ...generated];
      const made = await compare(guest, state, steps);
      operations += made.operations;
      accesses += made.accesses;
      if (made.disagreement === undefined) continue;
      const short = await shrink(guest, state, steps, made.disagreement);
      const how = `Xen ${state.xenVersion}, ${guest.environment}, IOREQLAB_CONFORMANCE_SEED=${seed + turn}`;
      expect.fail(`Xen and its model part (${how}):\n${describe(short.steps, short.disagreement)}`);
    }
    process.stderr.write(
      `Xen ${state.xenVersion} [${guest.environment}] and its model agree: seeds ${seed} to ${seed + sequenceCount - 1}, ` +
        `${operations} operations, ${accesses} accesses\n`,
    );
    expect(operations).toBeGreaterThan(sequenceCount * 50);
    expect(accesses).toBeGreaterThan(sequenceCount * 20);
  },
);
