import { stringify } from 'yaml';
import { findHosts } from '../host/emulated/detached.ts';
import type { HostRecord } from '../host/emulated/host-record.ts';
import { Cli, type CliEnd } from './cli.ts';

/** A machine of an inventory file. */
export type InventoryEntry = Readonly<Record<string, unknown>>;

/** An emulated host that was started by `ioreqlab host up` and ends with its owner. */
export class StayingHost implements AsyncDisposable {
  readonly record: HostRecord;

  private constructor(record: HostRecord) {
    this.record = record;
  }

  static async up(): Promise<StayingHost> {
    const name = `e2e-${process.pid}`;
    const { code, stderr } = await Cli.run(['host', 'up', name]);
    if (code !== 0) throw new Error(`no host: ${stderr}`);
    const record = (await findHosts()).find((host) => host.name === name);
    if (record === undefined) throw new Error(`host ${name} has no record`);
    return new StayingHost(record);
  }

  get name(): string {
    return this.record.name;
  }

  /** Runs a command in dom0. */
  async shell(...words: readonly string[]): Promise<CliEnd> {
    return await Cli.run(['host', 'shell', this.name, '--', ...words]);
  }

  /** What a run has left in dom0: guests, zombies among them, and processes. */
  async leftovers(): Promise<string[]> {
    // The agent, device models and xl are told by what they run; the QEMU of a guest by its name.
    const { stdout } = await this.shell(
      'sh',
      '-c',
      'xl list | tail -n +2; ps -eo args | grep -E "^(/var/lib/ioreqlab|xl |/usr/.*qemu-system|qemu-system)"; ls /run/ioreqlab',
    );
    return stdout.split('\n').filter((line) => line !== '' && !line.startsWith('Domain-0'));
  }

  /** What an inventory says of it. */
  entry(changed: InventoryEntry = {}): InventoryEntry {
    const { address, port, user, privateKeyFile, hostKeys } = this.record.ssh;
    return { address, port, user, key: privateKeyFile, hostKeys, guestCpus: '1', timing: 'exact', ...changed };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Cli.run(['host', 'down', this.name]);
  }
}

/** The text of an inventory file. */
export function inventoryText(hosts: Readonly<Record<string, InventoryEntry>>): string {
  return stringify({ version: 1, hosts });
}
