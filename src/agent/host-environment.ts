import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { promisify } from 'node:util';
import { loadAddon } from '../xen/addon.ts';
import type { HostEnvironment } from './protocol.ts';

const run = promisify(execFile);

/** What this host is: the environment that a result was made in. */
export async function describeHost(addonFile: string): Promise<HostEnvironment> {
  const [info, osRelease, cpuInfo] = await Promise.all([
    run('xl', ['info']).then(({ stdout }) => stdout),
    readFile('/etc/os-release', 'utf8'),
    readFile('/proc/cpuinfo', 'utf8'),
  ]);
  return {
    xen: pairs(info, ':'),
    kernel: release(),
    os: (pairs(osRelease, '=')['PRETTY_NAME'] ?? '').replaceAll('"', ''),
    node: process.version,
    cpu: pairs(cpuInfo, ':')['model name'] ?? '',
    missing: loadAddon(addonFile).missing(),
  };
}

function pairs(text: string, separator: string): Record<string, string> {
  const result: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const at = line.indexOf(separator);
    const key = line.slice(0, Math.max(at, 0)).trim();
    if (key !== '' && !(key in result)) result[key] = line.slice(at + 1).trim();
  }
  return result;
}

/** Xen's own log, as far back as its ring goes. */
export async function readXenLog(): Promise<string> {
  return (await run('xl', ['dmesg'], { maxBuffer: 64 * 1024 * 1024 })).stdout;
}
