import {
  type Access,
  type Expected,
  type GuestState,
  ioreqType,
  ModelledGuest,
  type ProbedAccess,
  type Step,
} from 'ioreqlab/model';
import type { GuestSession } from 'ioreqlab/scenario';
import { areaOf, placed } from './steps.ts';

/** Where Xen and the model part. */
export interface Disagreement {
  /** Index of the step. */
  readonly at: number;
  readonly step: string;
  readonly model: string;
  readonly xen: string;
}

/** One line, the same for the same value. */
function text(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'bigint') return `0x${part.toString(16)}`;
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** What vCPU 0 did, an access a line; INVALIDATE, which goes to all servers at once, by server. */
function lines(seen: readonly ProbedAccess[]): string[] {
  const own = seen.filter(({ vcpu }) => vcpu === 0);
  const isInvalidate = ({ request: { type } }: ProbedAccess): boolean => type === ioreqType.invalidate;
  return [...own.filter(isInvalidate).map(text).sort(), ...own.filter((access) => !isInvalidate(access)).map(text)];
}

/**
 * What can be compared of an outcome: ports have other numbers in Xen, and how many frames are dirty is not only a matter
 * of operations. On Xen 4.17 a frame that nobody had written was dirty at the second look (seed 9000, PVH).
 */
function comparable(step: Step, expected: Expected): Expected {
  // A library has the operations of its Xen: what it lacks cannot be asked for.
  if (expected.kind === 'op' && !expected.outcome.ok && expected.outcome.errno === 'XEN_FUNCTION_MISSING') {
    return { kind: 'op', outcome: { ok: false, errno: 'EOPNOTSUPP' } };
  }
  if (step.kind === 'op' && step.op === 'trackDirtyVram' && expected.kind === 'op' && expected.outcome.ok) {
    return { kind: 'op', outcome: { ok: true, values: [] } };
  }
  if (step.kind !== 'op' || step.op !== 'getIoreqServerInfo' || expected.kind !== 'op' || !expected.outcome.ok) {
    return expected;
  }
  const [ioreqGfn = 0n, bufferedGfn = 0n, port = 0n] = expected.outcome.values;
  return { kind: 'op', outcome: { ok: true, values: [ioreqGfn, bufferedGfn, port === 0n ? 0n : 1n] } };
}

/** The model of each guest, and how many sequences both have behind them. */
const models = new Map<string, { readonly modelled: ModelledGuest; turns: number }>();

function modelOf(guest: GuestSession, state: GuestState): { readonly modelled: ModelledGuest; readonly turn: number } {
  const known = models.get(guest.name) ?? { modelled: new ModelledGuest(state), turns: 0 };
  models.set(guest.name, known);
  return { modelled: known.modelled, turn: known.turns++ };
}

/**
 * Makes the same steps on the model and on a real guest.
 *
 * @returns where they part first, and how many operations and accesses were made until then
 */
export async function compare(
  guest: GuestSession,
  state: GuestState,
  sequence: readonly Step[],
): Promise<{
  readonly disagreement: Disagreement | undefined;
  readonly operations: number;
  readonly accesses: number;
}> {
  const { modelled, turn } = modelOf(guest, state);
  const steps = sequence.map((step) => placed(step, turn));
  modelled.begin(areaOf(turn));
  const expected = steps.map((step) => modelled.run(step));
  let operations = 0;
  let accesses = 0;
  const part = (at: number, model: unknown, xen: unknown) => ({
    disagreement: { at, step: text(steps[at]), model: text(model), xen: text(xen) },
    operations,
    accesses,
  });
  await guest.takeProbed();
  try {
    for (let at = 0; at < steps.length;) {
      const step = steps[at] as Step;
      if (step.kind === 'look') {
        const said = expected[at] as Extract<Expected, { kind: 'look' }>;
        const { values, seen } = await lookAt(guest, step.accesses);
        accesses += step.accesses.length;
        for (const [i, { value }] of said.accesses.entries()) {
          const access = text(step.accesses[i]);
          if (value !== undefined && value !== values[i])
            return part(at, { access, value }, { access, value: values[i] });
        }
        const [model, xen] = [lines(said.seen), lines(seen)];
        const first = model.findIndex((line, i) => line !== xen[i]);
        if (first >= 0 || xen.length !== model.length) {
          const index = first < 0 ? model.length : first;
          return part(at, { index, seen: model[index] ?? 'nothing' }, { index, seen: xen[index] ?? 'nothing' });
        }
        at++;
        continue;
      }
      let end = at;
      while (steps[end]?.kind === 'op') end++;
      const batch = Array.from({ length: end - at }, (_, i) => at + i).filter((i) => expected[i]?.kind !== 'unsafe');
      const made = batch.map((i) => steps[i] as Extract<Step, { kind: 'op' }>);
      const outcomes = made.length === 0 ? [] : await guest.dmOps(made);
      for (const [i, outcome] of outcomes.entries()) {
        const index = batch[i] as number;
        operations++;
        const step = steps[index] as Step;
        const model = comparable(step, expected[index] as Expected);
        const xen = comparable(step, { kind: 'op', outcome });
        if (text(model) !== text(xen)) return part(index, model, xen);
      }
      at = end;
    }
    return { disagreement: undefined, operations, accesses };
  } finally {
    await guest.endProbe();
    await guest.dmOps(modelled.end());
    // A vCPU that has still to broadcast INVALIDATE does it now, and not in another scenario's servers.
    await guest.runAll(Array.from({ length: guest.vcpus }, () => (program) => program.in(0x5000, 1)));
  }
}

async function lookAt(guest: GuestSession, accesses: readonly Access[]) {
  const { results } = await guest.run((program) => {
    for (const { type, addr, size, isRead, data = 0 } of accesses) {
      const width = size as 1 | 2 | 4;
      if (type === 'pio' && isRead) program.in(Number(addr), width);
      else if (type === 'pio') program.out(Number(addr), width, data);
      else if (isRead) program.load(addr, size as 1 | 2 | 4 | 8);
      else program.store(addr, size as 1 | 2 | 4 | 8, data);
    }
    return program;
  });
  return {
    values: results.map(({ rax }, i) => BigInt.asUintN((accesses[i]?.size ?? 8) * 8, rax)),
    seen: await guest.takeProbed(),
  };
}

/**
 * Leaves steps out as long as Xen and the model still part; at most `tries` times.
 *
 * @returns the shortest sequence that was found, and where they part in it
 */
export async function shrink(
  guest: GuestSession,
  state: GuestState,
  sequence: readonly Step[],
  disagreement: Disagreement,
  tries = 60,
): Promise<{ readonly steps: readonly Step[]; readonly disagreement: Disagreement }> {
  let best = { steps: sequence.slice(0, disagreement.at + 1), disagreement };
  let left = tries;
  for (
    let size = Math.ceil(best.steps.length / 2);
    size >= 1 && left > 0;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < best.steps.length - 1 && left > 0; left--) {
      const steps = best.steps.filter((_, i) => i < at || i >= at + size || i === best.steps.length - 1);
      const { disagreement: found } = await compare(guest, state, steps);
      if (found === undefined) at += size;
      else best = { steps: steps.slice(0, found.at + 1), disagreement: found };
    }
  }
  return best;
}

/** Side by side, for who has to understand it. */
export function describe(steps: readonly Step[], { at, model, xen }: Disagreement): string {
  const lines = steps.slice(0, at + 1).map((step, i) => `${i === at ? '>' : ' '} ${text(step)}`);
  return [...lines, `model: ${model}`, `xen:   ${xen}`].join('\n');
}
