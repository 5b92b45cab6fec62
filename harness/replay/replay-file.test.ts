import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { ProgramBuilder } from '../../guests/program/index.ts';
import { arbitraryProgram } from '../../guests/testing/arbitrary-program.ts';
import { makeLayout, makeRun, recipeOf } from '../fuzz/batch.ts';
import { setupOf } from '../oracle/guest-frames.ts';
import type { Recipe } from './recipe.ts';
import { replayFromText, replayToText, type Replay } from './replay-file.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 120_000 });

const replayOf = (recipe: Recipe): Replay => ({
  ...{ xen: '4.20.5-pre', host: 'emulated-4.20', seed: 7, recipe, signature: 'another answer: in' },
  ...{ expected: ['s0: answers 0x1'], seen: ['s0: answers 0x2'] },
});

const small: Recipe = {
  ...{ environment: 'pvh', vcpus: 2 },
  steps: [
    { do: 'server', server: 's0', options: { workers: 'perVcpu', waiting: { mode: 'spin', cycles: 1000 } } },
    { do: 'attach', server: 's0', device: 'scratch', options: { initial: 3 }, at: { register: 0x5000 } },
    { do: 'reference', server: 's1', ports: [0x6000], addresses: [] },
    { do: 'constant', server: 's2', value: 5 },
    { do: 'map', server: 's0', range: { kind: 'memory', start: 0x1_0000_0000n, end: 0x1_0000_0fffn } },
    { do: 'unmap', server: 's0', range: { kind: 'port', start: 0x5000n, end: 0x5000n } },
    { do: 'enable', server: 's0', isEnabled: false },
    { do: 'run', programs: [new ProgramBuilder().in(0x5000, 4).build(), new ProgramBuilder().build()] },
    { do: 'close', server: 's1' },
    { do: 'close' },
  ],
};

const refused = (text: string): unknown => {
  try {
    return replayFromText(text, 'file.json');
  } catch (error) {
    return error;
  }
};

describe('a replay file', () => {
  it('holds every kind of step', () => {
    expect(replayFromText(replayToText(replayOf(small)), 'file.json')).toEqual(replayOf(small));
  });

  it('has a line for each step and each operation', () => {
    const lines = replayToText(replayOf(small)).split('\n');
    expect(lines).toContain('      "in 0x5000 4"');
    expect(lines.length).toBeLessThan(35);
  });

  it('holds every program there can be', () => {
    fc.assert(
      fc.property(arbitraryProgram, (program) => {
        const replay = replayOf({ environment: 'hvm', vcpus: 1, steps: [{ do: 'run', programs: [program] }] });
        expect(replayFromText(replayToText(replay), 'file.json')).toEqual(replay);
      }),
      { numRuns: 200 },
    );
  });

  it('holds what is generated', () => {
    const layout = makeLayout(1, 2, 'pvh', 4);
    const { programs } = makeRun(setupOf('pvh', '4.20'), layout, 3, 60);
    const replay = replayOf(recipeOf(layout, programs));
    expect(replayFromText(replayToText(replay), 'file.json')).toEqual(replay);
  });

  it.each([
    ['not JSON at all', 'in 0x5000 4'],
    ['nothing of ours', '{}'],
    ['another format', replayToText(replayOf(small)).replace('ioreqlab-replay-1', 'ioreqlab-replay-9')],
    ['an unknown field', replayToText(replayOf(small)).replace('"vcpus"', '"cpus": 1, "vcpus"')],
    ['an unknown step', replayToText(replayOf(small)).replace('"do":"constant"', '"do":"explode"')],
    ['an unknown operation', replayToText(replayOf(small)).replace('in 0x5000 4', 'jump 0x5000')],
    ['a width that there is not', replayToText(replayOf(small)).replace('in 0x5000 4', 'in 0x5000 3')],
    ['more programs than vCPUs', replayToText(replayOf({ ...small, vcpus: 1 }))],
    ['a number that is none', replayToText(replayOf(small)).replace('"0x5000"', '"0x5000000000000000000"')],
  ])('with %s is refused, and nothing else is thrown', (_what, text) => {
    expect(refused(text)).toMatchObject({ blame: 'usage', code: 'REPLAY_INVALID' });
  });

  it('that was damaged anywhere is read or refused', () => {
    const text = replayToText(replayOf(small));
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.string({ minLength: 0, maxLength: 3 }), (at, by) => {
        const result = refused(text.slice(0, at) + by + text.slice(at + 1));
        if (result instanceof Error) expect(result).toMatchObject({ code: 'REPLAY_INVALID' });
      }),
      { numRuns: 500 },
    );
  });
});
