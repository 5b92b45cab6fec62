import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Place } from '../e2e/place.ts';
import { emulatedLabHost } from '../host/emulated/emulated-lab-host.ts';
import { defaultXenVersion } from '../host/emulated/xen-versions.ts';
import { soakKills } from './kill-soak.ts';

const kills = 20;

test(`${kills} device-model processes are killed, and nobody is hurt`, async () => {
  await using place = await Place.create();
  const report = await soakKills({
    ...{ lab: emulatedLabHost({ xen: defaultXenVersion, timing: 'exact' }), kills, seed: 4 },
    ...{ serialLog: join(place.directory, 'serial.log'), signal: new AbortController().signal, note: () => undefined },
  });
  expect(report.faults).toEqual([]);
  expect(report.kills).toBeGreaterThanOrEqual(kills);
  expect(report.replaced).toBeGreaterThan(kills / 2);
  expect(report.answers).toBeGreaterThan(0);
}, 1_200_000);
