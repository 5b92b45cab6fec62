import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { encodeProgram, type Program } from '../../guests/program/index.ts';
import { predict } from '../../src/model/oracle/check-trace.ts';
import { setupOf } from '../oracle/guest-frames.ts';
import { arbitraryLayout, pciSlots, placeOf } from './arbitrary-layout.ts';
import { makeLayout, makeRun, seedOf } from './batch.ts';
import type { DevicePart } from './layout.ts';
import { makeSafe, runOf } from './safe.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 120_000 });

const environment = fc.constantFrom('pvh' as const, 'hvm' as const);
const version = fc.constantFrom('4.14.6', '4.17.5', '4.20.5-pre');
const vcpus = 4;

const overlap = (a: DevicePart, b: DevicePart): boolean =>
  a.space === b.space && a.at < b.at + b.size && b.at < a.at + a.size;

describe('generated layouts', () => {
  it('have regions that a server can have, each where only its vCPU goes', () => {
    fc.assert(
      fc.property(
        environment.chain((one) => arbitraryLayout(one, vcpus)),
        ({ servers, parts }) => {
          expect(servers.length).toBeLessThanOrEqual(6);
          for (const [i, part] of parts.entries()) {
            expect(servers.map(({ name }) => name)).toContain(part.server);
            const { ports, memory } = placeOf(part.vcpu);
            if (part.space === 'pci') {
              expect(servers.find(({ name }) => name === part.server)?.options).toEqual({});
              // Only one vCPU may write to 0xcf8.
              expect([part.vcpu, pciSlots.some((slot) => slot << 3 === part.at)]).toEqual([0, true]);
              continue;
            }
            const starts = part.space === 'port' ? [ports] : memory.map(Number);
            expect(starts.some((start) => part.at >= start && part.at + part.size <= start + 0x10_0000)).toBe(true);
            for (const other of parts.slice(i + 1)) {
              // Of different servers they may: of the same vCPU.
              if (overlap(part, other)) expect([other.server !== part.server, other.vcpu]).toEqual([true, part.vcpu]);
            }
          }
        },
      ),
    );
  });
});

describe('generated runs', () => {
  it('are programs that a guest takes, and nothing that is known to crash it or to go on for ever', () => {
    fc.assert(
      fc.property(environment, version, fc.integer(), (environment, version, seed) => {
        const setup = setupOf(environment, version);
        const layout = makeLayout(seed, 0, environment, vcpus);
        const { programs, operations } = makeRun(setup, layout, seed, 40);
        expect(programs).toHaveLength(vcpus);
        expect(operations).toBeGreaterThan(40);
        programs.forEach((program, vcpu) => {
          expect(() => encodeProgram(program, { sequence: 1, vcpu, participants: 15 })).not.toThrow();
        });
        for (const { outcome } of predict(setup, runOf(layout, programs))) {
          expect(['done', 'fault', undefined]).toContain(outcome?.kind);
        }
      }),
      { numRuns: 12 },
    );
  });

  it('follow from the seed', () => {
    const run = (seed: number) =>
      makeRun(setupOf('pvh', '4.20'), makeLayout(seed, 1, 'pvh', vcpus), seedOf(seed, 3), 50).programs;
    expect(run(5)).toEqual(run(5));
    expect(run(5)).not.toEqual(run(6));
  });

  it('leave out what older versions of Xen never come to an end with', () => {
    const layout = {
      ...{ environment: 'pvh' as const, vcpus: 1, servers: [{ name: 's0', options: {} }] },
      parts: [
        {
          ...{ server: 's0', vcpu: 0, space: 'memory' as const, at: 0x1000_0000, size: 0x2000 },
          ...{ key: 1, behaviour: 'bytes' as const },
        },
      ],
    };
    // add [rbx], rcx across two pages: scenarios/oracle/gives-up.
    const add: Program['operations'][number] = {
      ...{ op: 'raw', code: Uint8Array.of(0x48, 0x01, 0x0b), registers: { rbx: 0x1000_0fffn }, rflags: 0n },
      ...{ vectorBytes: 0, vectors: {} },
    };
    const kept = (xen: string): number =>
      makeSafe(setupOf('pvh', xen), layout, [{ operations: [add] }]).programs[0]?.operations.length ?? 0;
    expect([kept('4.14'), kept('4.17'), kept('4.20')]).toEqual([0, 0, 1]);
  });
});
