import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { isLabError } from '../errors.ts';
import { summarize, toJson, toText, wasQuiet } from './summary.ts';

const program = fileURLToPath(new URL('bin.mjs', import.meta.url));
const bench = promisify(execFile);

/** Rounds of both servers in both modes with these medians of TypeScript; C takes 100 ns, and 10 when it spins. */
function printed(...medians: number[]): string {
  const rounds = medians.flatMap((p50) =>
    ['round blocking c 100.0 200.0 0', `round blocking ts ${p50} ${2 * p50} 0`].concat([
      'round spinning c 10.0 20.0 0',
      'round spinning ts 12.5 20.0 3',
    ]),
  );
  return `first ts 5000\nfirst c 400\n${rounds.join('\n')}\n`;
}

describe('the figures', () => {
  it('are medians over the rounds, and of the ratios of neighbours', () => {
    const { modes, first } = summarize(printed(110, 900, 108, 112, 300));
    expect(modes.blocking.ts).toEqual({ p50: 112, p99: 224 });
    expect(modes.blocking.tsOverC).toBeCloseTo(1.12);
    expect(modes.blocking.middle).toEqual([1.1, 3]);
    expect(modes.spinning.tsOverC).toBeCloseTo(1.25);
    expect(first).toEqual({ ts: 5000, c: 400 });
  });

  it('do not suffer from what slows both', () => {
    const rounds = [1, 1.5, 3].flatMap((slow) =>
      ['blocking', 'spinning'].flatMap((mode) => [
        `round ${mode} c ${100 * slow} 0 0`,
        `round ${mode} ts ${104 * slow} 0 0`,
      ]),
    );
    const { modes } = summarize(rounds.join('\n'));
    expect(modes.blocking.tsOverC).toBeCloseTo(1.04);
    expect(wasQuiet(modes.blocking)).toBe(true);
  });

  it('are doubted when the ratio changes from round to round', () => {
    const busy = summarize(printed(110, 900, 108, 112, 300, 800));
    expect(wasQuiet(busy.modes.blocking)).toBe(false);
    expect(wasQuiet(busy.modes.spinning)).toBe(true);
    expect(toText(busy)).toMatch(/too much other work.*\(blocking\)/);
    expect(toText(summarize(printed(110, 111, 112)))).not.toMatch('other work');
  });

  it('say which goal is missed', () => {
    const rows = toText(summarize(printed(111))).split('\n');
    expect(rows.find((row) => row.includes('blocking'))).toMatch(/ 1\.110 .* 1\.10 +missed$/);
    expect(rows.find((row) => row.includes('spinning'))).toMatch(/ 1\.250 .* 1\.25$/);
  });

  it('are nothing when a server was not measured', () => {
    expect(() => summarize('first ts 1\nround blocking ts 1 2 0\n')).toThrow(
      expect.toSatisfy((error) => isLabError(error) && error.code === 'BENCH_FAILED'),
    );
  });

  it('are two ratios as JSON', () => {
    expect(toJson(summarize(printed(104.56)))).toBe('{"blocking":{"tsOverC":1.046},"spinning":{"tsOverC":1.25}}');
  });
});

describe('the program', () => {
  it.runIf(availableParallelism() >= 2)(
    'prints the ratios and nothing else on stdout',
    async () => {
      const { stdout, stderr } = await bench('node', [program, '--json', '--rounds', '2', '--requests', '20']);
      expect(stdout).toMatch(/^\{"blocking":\{"tsOverC":\d+(\.\d+)?\},"spinning":\{"tsOverC":\d+(\.\d+)?\}\}\n$/);
      expect(stderr).toMatch(/blocking .*\n.*spinning .*/);
    },
    60_000,
  );

  it('explains itself', async () => {
    expect((await bench('node', [program, '--help'])).stdout).toMatch('--rounds N');
    await expect(bench('node', [program, '--rounds', '0'])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--rounds 0: expected a whole number/),
    });
    await expect(bench('node', [program, '--fast'])).rejects.toMatchObject({ code: 2 });
  }, 60_000);
});
