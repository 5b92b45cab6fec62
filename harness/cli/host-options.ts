import { existsSync } from 'node:fs';
import type { Argv, InferredOptionTypes, Options } from 'yargs';
import { LabError } from '../../src/errors.ts';
import { findHosts } from '../host/emulated/detached.ts';
import { parseMirror } from '../host/emulated/debian-disk.ts';
import { emulatedGuestCpus, emulatorFacts, emulatedLabHost } from '../host/emulated/emulated-lab-host.ts';
import { qemuVersion } from '../host/emulated/qemu.ts';
import { defaultXenVersion, parseXenVersion } from '../host/emulated/xen-versions.ts';
import { defaultInventory, readInventory, type KnownHost } from '../host/inventory.ts';
import type { LabHost } from '../host/lab-host.ts';
import { modelHostNamed, type ModelHost } from '../host/model/model-host.ts';
import { sshLabHost } from '../host/ssh/ssh-lab-host.ts';
import { nearest } from '../run/select.ts';

/** Options by which hosts are chosen. */
const options = {
  host: {
    type: 'string',
    describe: 'hosts of the inventory or started by `host up`, or models such as `model-4.20`, separated by commas',
    requiresArg: true,
  },
  xen: {
    type: 'string',
    describe: `emulated hosts with these Xen versions, separated by commas (default: ${defaultXenVersion})`,
    requiresArg: true,
  },
  timing: {
    choices: ['exact', 'wall'] as const,
    default: 'exact' as const,
    describe: 'emulated hosts: count instructions, or let the clock run',
  },
  inventory: { type: 'string', describe: `inventory file (default: ${defaultInventory})`, requiresArg: true },
  mirror: { type: 'string', describe: "where Debian's packages for images come from", requiresArg: true },
} as const satisfies Record<string, Options>;

/** What yargs makes of {@link withHostOptions}. */
export type HostArguments = InferredOptionTypes<typeof options>;

export function withHostOptions<T>(argv: Argv<T>): Argv<T & HostArguments> {
  return argv.options(options) as Argv<T & HostArguments>;
}

const words = (text: string): string[] => text.split(',').filter((word) => word !== '');

/**
 * The hosts that were asked for; the emulated host of the default version if none was.
 *
 * @throws LabError with blame `usage`
 */
export async function chooseHosts(chosen: HostArguments): Promise<(LabHost | ModelHost)[]> {
  const { host, xen, timing, inventory, mirror } = chosen;
  const hosts: (LabHost | ModelHost)[] = [];
  if (mirror !== undefined) parseMirror(mirror);
  for (const version of words(xen ?? (host === undefined ? defaultXenVersion : ''))) {
    hosts.push(emulatedLabHost({ xen: parseXenVersion(version), timing, ...(mirror === undefined ? {} : { mirror }) }));
  }
  for (const name of words(host ?? '')) {
    hosts.push(modelHostNamed(name) ?? sshLabHost(await findHost(name, inventory)));
  }
  const twice = hosts.find(({ name }, i) => hosts.findIndex((one) => one.name === name) !== i);
  if (twice !== undefined) {
    throw new LabError(`host ${twice.name} was asked for twice`, {
      blame: 'usage',
      code: 'HOST_TWICE',
      next: 'name every host, and every version of Xen, once',
    });
  }
  if (hosts.length === 0) {
    throw new LabError('--host and --xen name no host', {
      blame: 'usage',
      code: 'NO_HOST',
      next: 'ioreqlab host list; without both options the run makes itself an emulated host',
    });
  }
  return hosts;
}

/** Emulated hosts that are up, and the hosts of the inventory, if there is one or it was named. */
export async function knownHosts(inventory: string | undefined): Promise<KnownHost[]> {
  const found = await findHosts();
  // Another one than they run in only when the system was upgraded meanwhile.
  const qemu = found.length === 0 ? '' : await qemuVersion();
  const up = found.map(({ name, ssh, timing, accelerator }) => ({
    ...({ name, timing, kind: 'emulated', target: ssh, guestCpus: emulatedGuestCpus } as const),
    facts: emulatorFacts(accelerator, qemu),
  }));
  if (inventory === undefined && !existsSync(defaultInventory)) return up;
  const listed = await readInventory(inventory);
  return [...listed, ...up.filter(({ name }) => !listed.some((one) => one.name === name))];
}

/** @throws LabError `HOST_UNKNOWN` with what comes near */
export async function findHost(name: string, inventory: string | undefined): Promise<KnownHost> {
  const hosts = await knownHosts(inventory);
  const found = hosts.find((one) => one.name === name);
  if (found !== undefined) return found;
  const near = nearest(
    name,
    hosts.map((one) => one.name),
  );
  const known = hosts.map((one) => one.name).join(', ') || 'none';
  throw new LabError(
    `no host ${JSON.stringify(name)}; ${near === undefined ? `there are: ${known}` : `did you mean ${near}?`}`,
    {
      blame: 'usage',
      code: 'HOST_UNKNOWN',
      next: 'ioreqlab host list; an emulated host made for the run is asked for by its Xen version: --xen 4.20',
    },
  );
}
