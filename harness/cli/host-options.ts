import type { Argv, InferredOptionTypes, Options } from 'yargs';
import { LabError } from '../../src/errors.ts';
import { emulatedLabHost } from '../host/emulated/emulated-lab-host.ts';
import { defaultXenVersion, parseXenVersion } from '../host/emulated/xen-versions.ts';
import { defaultInventory, readInventory } from '../host/inventory.ts';
import type { LabHost } from '../host/lab-host.ts';
import { sshLabHost } from '../host/ssh/ssh-lab-host.ts';
import { nearest } from '../run/select.ts';

/** Options by which hosts are chosen. */
const options = {
  host: { type: 'string', describe: 'hosts of the inventory, separated by commas', requiresArg: true },
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
export async function chooseHosts(chosen: HostArguments): Promise<LabHost[]> {
  const { host, xen, timing, inventory, mirror } = chosen;
  const hosts: LabHost[] = [];
  for (const version of words(xen ?? (host === undefined ? defaultXenVersion : ''))) {
    hosts.push(emulatedLabHost({ xen: parseXenVersion(version), timing, ...(mirror === undefined ? {} : { mirror }) }));
  }
  if (host !== undefined) {
    const entries = await readInventory(inventory);
    for (const name of words(host)) {
      const entry = entries.find((one) => one.name === name);
      if (entry === undefined) throw unknownHost(name, inventory ?? defaultInventory, entries.map((one) => one.name));
      hosts.push(sshLabHost(entry));
    }
  }
  const twice = hosts.find(({ name }, i) => hosts.findIndex((one) => one.name === name) !== i);
  if (twice !== undefined) {
    throw new LabError(`host ${twice.name} was asked for twice`, { blame: 'usage', code: 'HOST_TWICE' });
  }
  return hosts;
}

function unknownHost(name: string, file: string, known: readonly string[]): LabError {
  const near = nearest(name, known);
  const hint = near === undefined ? `it has: ${known.join(', ') || 'none'}` : `did you mean ${near}?`;
  return new LabError(`no host ${JSON.stringify(name)} in ${file}; ${hint}`, {
    blame: 'usage',
    code: 'HOST_UNKNOWN',
    next: 'ioreqlab host list; an emulated host is named by its Xen version: --xen 4.20',
  });
}
