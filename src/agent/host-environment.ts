import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { promisify } from 'node:util';
import { loadAddon } from '../xen/addon.ts';
import type { HostEnvironment } from './protocol.ts';

const run = promisify(execFile);

/**
 * Where Xen's QEMU may be: Debian's, upstream's (LIBEXEC_BIN of tools/configure.ac below either prefix), and what
 * Debian 11 gives libxl as its device model.
 */
const qemuFiles = [
  '/usr/libexec/xen-qemu-system-i386',
  '/usr/local/lib/xen/bin/qemu-system-i386',
  '/usr/lib/xen/bin/qemu-system-i386',
  '/usr/bin/qemu-system-i386',
];

/** What commands and files of a host say of it; empty where there is none, or it refused. */
export interface HostWords {
  /** `xl info`, `xl dmesg`, `xl vcpu-list`. */
  readonly info: string;
  readonly log: string;
  readonly vcpus: string;
  /** `xenpm get-cpuidle-states 0`, `xenpm get-cpufreq-para 0`. */
  readonly idle: string;
  readonly frequency: string;
  /** `--version` of Xen's QEMU. */
  readonly qemu: string;
  /** /etc/os-release, /proc/cpuinfo, /proc/cmdline, dom0's clock source in /sys. */
  readonly os: string;
  readonly cpu: string;
  readonly commandLine: string;
  readonly clocksource: string;
}

/** What this host is: the environment that a result was made in. */
export async function describeHost(addonFile: string): Promise<HostEnvironment> {
  const [info, log, vcpus, idle, frequency, qemu, os, cpu, commandLine, clocksource] = await Promise.all([
    run('xl', ['info']).then(({ stdout }) => stdout),
    readXenLog().catch(() => ''),
    said('xl', 'vcpu-list'),
    said('xenpm', 'get-cpuidle-states', '0'),
    said('xenpm', 'get-cpufreq-para', '0'),
    qemuVersion(),
    readFile('/etc/os-release', 'utf8'),
    readFile('/proc/cpuinfo', 'utf8'),
    readFile('/proc/cmdline', 'utf8'),
    readFile('/sys/devices/system/clocksource/clocksource0/current_clocksource', 'utf8').catch(() => ''),
  ]);
  return {
    ...environmentOf({ info, log, vcpus, idle, frequency, qemu, os, cpu, commandLine, clocksource }),
    kernel: release(),
    node: process.version,
    missing: loadAddon(addonFile).missing(),
  };
}

/** What can be read from those words. */
export function environmentOf(words: HostWords): Omit<HostEnvironment, 'kernel' | 'node' | 'missing'> {
  const cpu = pairs(words.cpu, ':');
  const frequency = pairs(words.frequency, ':');
  const [vendor, family, model, stepping] = ['vendor_id', 'cpu family', 'model', 'stepping'].map((key) => cpu[key]);
  const more = {
    // Debian's Xen says its changeset only here: `Xen version 4.20.5-pre (Debian 4.20.4+63-g7abfd2bce2-0+deb13u1) (...`
    xenBuild: /Xen version (\S+(?: \([^()]*\))?)/.exec(words.log)?.[1],
    mitigations: /Xen settings: (.*)/.exec(words.log)?.[1],
    commandLine: words.commandLine,
    cpuSignature: vendor && family && model && stepping && `${vendor} ${family}/${model}/${stepping}`,
    microcode: cpu['microcode'],
    clocksource: words.clocksource,
    // `Domain-0  0  0  0  r--  8.9  0 / all`: the hard affinity of each vCPU
    dom0Cpus: [...words.vcpus.matchAll(/^Domain-0 .*?(\S+) \/ \S+\s*$/gm)].map(([, cpus]) => cpus).join(' '),
    qemu: /version (.*)/.exec(words.qemu)?.[1],
    // `Max possible C-state: C1`, or that there is no limit
    cStates: /^Max possible C-state: (.*)|^(All C-states allowed)/m.exec(words.idle)?.slice(1).join(''),
    governor: frequency['current_governor'],
    turbo: frequency['turbo mode'],
  };
  const known = Object.entries(more).flatMap(([key, value]) => {
    const text = value?.trim();
    return text ? [[key, text.slice(0, maxChars)] as const] : [];
  });
  return {
    xen: pairs(words.info, ':'),
    os: (pairs(words.os, '=')['PRETTY_NAME'] ?? '').replaceAll('"', ''),
    cpu: cpu['model name'] ?? '',
    more: Object.fromEntries(known),
  };
}

/** Of one fact: more is a mistake of whoever says it. */
const maxChars = 4_000;

async function qemuVersion(): Promise<string> {
  for (const file of qemuFiles) {
    const words = await said(file, '--version');
    if (words !== '') return words;
  }
  return '';
}

/** What a command says; nothing when it is not there or fails: a fact that is missing stops no run. */
async function said(command: string, ...words: string[]): Promise<string> {
  return await run(command, words).then(
    ({ stdout }) => stdout,
    () => '',
  );
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
