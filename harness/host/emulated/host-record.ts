import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Cache } from './cache.ts';
import { startTimeOf } from './process-identity.ts';
import { xenVersions } from './xen-versions.ts';

/** What is known of a host that was started to stay: `hosts/<name>.json` in the cache directory. */
export const hostRecordSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.-]*$/),
  xen: z.enum(xenVersions),
  timing: z.enum(['exact', 'wall']),
  accelerator: z.enum(['tcg', 'kvm']),
  /** QEMU's process id, and its start in clock ticks since the machine's. */
  pid: z.number().int(),
  startTime: z.string(),
  ssh: z.strictObject({
    address: z.string(),
    port: z.number().int(),
    user: z.string(),
    privateKeyFile: z.string(),
    hostKeys: z.array(z.string()).readonly(),
  }),
  /** Unix socket of the serial console: a root shell, and Xen's and the kernel's messages. */
  console: z.string(),
  /** What the console has printed. */
  serialLog: z.string(),
  /** The image it runs from. */
  imageDirectory: z.string(),
  /** ISO 8601. */
  started: z.iso.datetime(),
});

/** See {@link hostRecordSchema}. */
export type HostRecord = z.infer<typeof hostRecordSchema>;

/** The files of a host that was started to stay; absolute paths. */
export interface HostFiles {
  readonly record: string;
  readonly console: string;
  readonly serialLog: string;
}

/** Where the files of a host are. */
export function hostFiles(cache: Cache, name: string): HostFiles {
  const at = (suffix: string): string => join(cache.hosts, `${name}.${suffix}`);
  return { record: at('json'), console: at('console'), serialLog: at('log') };
}

/** Writes a host's record so that nobody sees half of it. */
export async function writeHostRecord(cache: Cache, record: HostRecord): Promise<void> {
  await mkdir(cache.hosts, { recursive: true });
  const { record: file } = hostFiles(cache, record.name);
  await writeFile(`${file}.new`, `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** Removes all files of a host that is no more. */
export async function removeHostFiles(cache: Cache, name: string): Promise<void> {
  const { record, console, serialLog } = hostFiles(cache, name);
  await Promise.all([record, console, serialLog].map((file) => rm(file, { force: true })));
}

/**
 * The hosts that run, by name. Records of hosts that do not, or that nobody can read, are removed; their logs are kept. Only
 * for who holds the lock of the hosts.
 */
export async function readHostRecords(cache: Cache): Promise<HostRecord[]> {
  const names = await readdir(cache.hosts).catch(() => []);
  const found = await Promise.all(
    names.filter((name) => name.endsWith('.json')).map((name) => readRecord(cache, name.slice(0, -'.json'.length))),
  );
  return found.filter((record) => record !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function readRecord(cache: Cache, name: string): Promise<HostRecord | undefined> {
  const { record: file, console } = hostFiles(cache, name);
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const record = parse(text);
  if (record?.name === name && (await startTimeOf(record.pid)) === record.startTime) return record;
  await Promise.all([rm(file, { force: true }), rm(console, { force: true })]);
  return undefined;
}

function parse(text: string): HostRecord | undefined {
  try {
    return hostRecordSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
