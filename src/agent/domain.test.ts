import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDomain, sweepDomains, xlConfig, type DomainConfig } from './domain.ts';
import { FakeXl } from './testing/fake-xl.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const config: DomainConfig = {
  ...{ name: 'hvm-1', environment: 'hvm', vcpus: 4, memoryMiB: 64, cpus: '1-3', kernel: '/var/lib/workload.elf' },
};

describe('the configuration for xl', () => {
  it('starts an HVM guest by its firmware, and a PVH guest by its kernel', () => {
    const lines = xlConfig(config).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        ...['name = "ioreqlab-hvm-1"', 'type = "hvm"', 'firmware_override = "/var/lib/workload.elf"'],
        ...['memory = 64', 'vcpus = 4', 'cpus = "1-3"', 'tsc_mode = "native"', 'on_reboot = "destroy"'],
      ]),
    );
    const pvh = xlConfig({ ...config, environment: 'pvh' });
    expect(pvh).toContain('\nkernel = "/var/lib/workload.elf"\n');
    expect(pvh).not.toMatch(/firmware_override|vga|vnc/);
  });

  it('never lets a value leave its quotes', () => {
    const nasty = fc.string({ unit: fc.constantFrom('"', '\\', '\n', "'", ' ', '=', '#', '[', 'a', '0', '\0', '\r') });
    const own = xlConfig(config).split('\n').length;
    fc.assert(
      fc.property(nasty, nasty, nasty, (name, cpus, kernel) => {
        const values = [name, cpus, kernel];
        const make = (): string => xlConfig({ ...config, name, cpus, kernel });
        if (values.some((value) => /["\\\p{Cc}]/u.test(value))) expect(make).toThrow(RangeError);
        else {
          const lines = make().split('\n');
          expect(lines).toHaveLength(own);
          expect(lines.filter((line) => !/^(\w+ = ("[^"\\]*"|\d+))?$/.test(line))).toEqual([]);
        }
      }),
    );
  });
});

describe('a domain', () => {
  let xl: FakeXl;
  let directory: string;
  beforeEach(() => {
    xl = new FakeXl();
    directory = mkdtempSync(join(tmpdir(), 'ioreqlab-domain-'));
  });
  afterEach(() => {
    xl[Symbol.dispose]();
    rmSync(directory, { recursive: true });
  });

  it('is created paused, unpaused, and destroyed; its configuration does not stay', async () => {
    const domain = await createDomain(config, directory);
    expect(domain.domid).toBe(7);
    expect(xl.config).toBe(xlConfig(config));
    expect(readdirSync(directory)).toEqual([]);
    await domain.unpause();
    await domain.destroy();
    expect(await domain.gone).toBe('destroyed');
    expect(xl.isRunning).toBe(false);
    expect(xl.calls).toEqual([`create -F -p ${directory}/hvm-1.cfg`, 'unpause 7', 'destroy 7']);
  });

  it('is destroyed although xl stumbles over it at first', async () => {
    const domain = await createDomain(config, directory);
    xl.set('stumbles', 'once\ntwice\n');
    await domain.destroy();
    expect(await domain.gone).toBe('destroyed');
    expect(xl.isRunning).toBe(false);
  });

  it('that cannot be destroyed is an error with what xl said', async () => {
    const domain = await createDomain(config, directory);
    xl.set('stumbles', 'x\n'.repeat(20));
    await expect(domain.destroy()).rejects.toMatchObject({
      ...{ blame: 'host', code: 'DOMAIN_NOT_DESTROYED', message: expect.stringContaining('try again') },
    });
    xl.set('stumbles');
    await domain.destroy();
  });

  for (const [code, reason] of [
    ['3', 'crash'],
    ['0', 'poweroff'],
    ['17', 'shutdown 17'],
  ] as const) {
    it(`that ends by itself says why: ${reason}`, async () => {
      const domain = await createDomain(config, directory);
      xl.set('ended', code);
      expect(await domain.gone).toBe(reason);
      await domain.destroy();
      expect(xl.calls.filter((call) => call.startsWith('destroy'))).toEqual([]);
    });
  }

  it('that xl refuses is an error with what xl said', async () => {
    xl.set('refuses', 'libxl: error: not enough memory\nlibxl: error: unable to add a domain\n');
    await expect(createDomain(config, directory)).rejects.toMatchObject({
      ...{ blame: 'host', code: 'DOMAIN_NOT_CREATED' },
      message:
        'guest hvm-1 could not be created: xl ended with 1\nlibxl: error: not enough memory\nlibxl: error: unable to add a domain',
    });
    expect(readdirSync(directory)).toEqual([]);
  });

  it('that takes too long to create is given up, and what there is of it destroyed', async () => {
    xl.set('hangs');
    await expect(createDomain(config, directory, 100)).rejects.toMatchObject({
      ...{
        code: 'DOMAIN_NOT_CREATED',
        message: 'guest hvm-1 could not be created: xl create did not finish within 0.1 s',
      },
    });
    expect(xl.calls.at(-1)).toBe('destroy ioreqlab-hvm-1');
  });

  it('cannot be created without xl', async () => {
    process.env['PATH'] = directory;
    await expect(createDomain(config, directory)).rejects.toMatchObject({
      ...{ blame: 'host', code: 'DOMAIN_NOT_CREATED', message: expect.stringContaining('xl: not found') },
    });
  });

  it('that an earlier agent left behind is destroyed, and no other', async () => {
    xl.set(
      'listed',
      'ioreqlab-hvm-1 3 64 4 -b---- 0.5\nsomebody-else 4 64 1 -b---- 1.0\nioreqlab-pvh-2 5 64 4 ---p-- 0.0\n',
    );
    expect(await sweepDomains()).toEqual(['ioreqlab-hvm-1', 'ioreqlab-pvh-2']);
    expect(xl.calls).toEqual(['list', 'destroy ioreqlab-hvm-1', 'destroy ioreqlab-pvh-2']);
  });
});
