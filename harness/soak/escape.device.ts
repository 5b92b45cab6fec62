import { closeSync, openSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { workerData } from 'node:worker_threads';
import { defineDevice, port } from 'ioreqlab/device';

/** What an attacker in a device model finds. */
export interface EscapeReport {
  /** Of the worker's thread, from /proc: user, group and capabilities. */
  readonly status: Readonly<Record<'Uid' | 'Gid' | 'Groups' | 'CapEff' | 'CapPrm' | 'NoNewPrivs', string>>;
  /** By file: the code of the error with which it cannot be opened, or `opened`. */
  readonly files: Readonly<Record<string, string>>;
  /** What probePrivilege of the addon gives. */
  readonly attempts: Readonly<Record<string, number>>;
}

const files = ['/dev/xen/privcmd', '/dev/xen/evtchn', '/dev/xen/xenbus', '/dev/mem', '/etc/shadow', '/proc/1/mem'];

function open(file: string): string {
  try {
    closeSync(openSync(file, 'r+'));
    return 'opened';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/** A device that tries to get out: a write of a guest-physical address leaves an {@link EscapeReport} there, as JSON. */
export default defineDevice({
  name: 'soak-escape',
  regions: { trigger: port({ size: 4 }) },
  create({ domid, gfn }: { domid: number; gfn: number }, { memory }) {
    return {
      trigger: {
        write: (_offset, _size, address) => {
          const { addonFile } = workerData as { addonFile: string };
          const addon = createRequire(addonFile)(addonFile) as {
            probePrivilege(domid: number, gfn: number): Record<string, number>;
          };
          const text = readFileSync('/proc/thread-self/status', 'utf8');
          const field = (name: string): string =>
            new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(text)?.[1]?.trim() ?? '?';
          const names = ['Uid', 'Gid', 'Groups', 'CapEff', 'CapPrm', 'NoNewPrivs'];
          const report = JSON.stringify({
            status: Object.fromEntries(names.map((name) => [name, field(name)])),
            files: Object.fromEntries(files.map((file) => [file, open(file)])),
            attempts: addon.probePrivilege(domid, gfn),
          });
          [...Buffer.from(`${report}\0`)].forEach((byte, i) => memory.write(address + i, 1, byte));
        },
      },
    };
  },
});
