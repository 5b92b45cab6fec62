import { spawn, execFile, type ChildProcess } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { LabError, messageOf } from '../errors.ts';
import type { Environment } from './protocol.ts';

const run = promisify(execFile);

/** Creating a domain takes a second or two on an emulated host; QEMU is started on the way. */
const createMs = 120_000;
/** How long xl gets to notice that its domain is destroyed. */
const goneMs = 15_000;
const destroyAttempts = 3;
/** All domains that we create are named so; the agent removes leftovers by it. */
const namePrefix = 'ioreqlab-';

/** What a domain is made of. */
export interface DomainConfig {
  readonly name: string;
  readonly environment: Environment;
  readonly vcpus: number;
  readonly memoryMiB: number;
  readonly cpus: string;
  readonly kernel: string;
}

/** A domain and the xl process that watches over it: it destroys the domain when it shuts down or crashes. */
export interface Domain {
  readonly domid: number;
  /** Resolves with xl's word for it when the domain is gone. */
  readonly gone: Promise<string>;
  unpause(): Promise<void>;
  /** @throws LabError `DOMAIN_NOT_DESTROYED` */
  destroy(): Promise<void>;
}

function quoted(text: string): string {
  if (/["\\\p{Cc}]/u.test(text)) throw new RangeError(`${JSON.stringify(text)} cannot stand in an xl configuration`);
  return `"${text}"`;
}

/** The configuration for xl (xl.cfg(5)). A triple fault is a reboot, which xl would repeat for ever: destroy instead. */
export function xlConfig({ name, environment, vcpus, memoryMiB, cpus, kernel }: DomainConfig): string {
  return [
    `name = ${quoted(namePrefix + name)}`,
    `type = ${quoted(environment)}`,
    environment === 'hvm' ? `firmware_override = ${quoted(kernel)}` : `kernel = ${quoted(kernel)}`,
    `memory = ${memoryMiB}`,
    `vcpus = ${vcpus}`,
    `cpus = ${quoted(cpus)}`,
    // By default Xen may emulate RDTSC, and every time stamp would be an exit of its own.
    'tsc_mode = "native"',
    ...['on_poweroff', 'on_reboot', 'on_crash', 'on_watchdog'].map((event) => `${event} = "destroy"`),
    ...(environment === 'hvm' ? ['vga = "none"', 'vnc = 0', 'sdl = 0', 'usb = 0', 'xen_platform_pci = 0'] : []),
    '',
  ].join('\n');
}

/**
 * Creates a domain, paused.
 *
 * @param directory for the configuration, which is removed again
 * @param deadlineMs how long xl may take
 * @throws LabError `DOMAIN_NOT_CREATED` with what xl said
 */
export async function createDomain(config: DomainConfig, directory: string, deadlineMs = createMs): Promise<Domain> {
  const file = join(directory, `${config.name}.cfg`);
  await writeFile(file, xlConfig(config));
  try {
    // In the foreground xl stays as our child and ends with the domain: no polling, and no daemon of unknown parentage.
    // It must not die of its pipes when the agent is killed, or nobody would destroy the domain that then shuts down.
    const ignoringPipes = ['-c', 'trap "" PIPE; exec xl "$@"', 'xl'];
    const xl = spawn('/bin/sh', [...ignoringPipes, 'create', '-F', '-p', file], { stdio: ['ignore', 'pipe', 'pipe'] });
    return await watch(xl, config.name, deadlineMs);
  } finally {
    await rm(file, { force: true });
  }
}

async function watch(xl: ChildProcess, name: string, deadlineMs: number): Promise<Domain> {
  const said: string[] = [];
  let reason = '';
  const ended = lastWords(xl);
  const gone = ended.then((how) => reason || `xl ended with ${how}`);
  const domid = await new Promise<number>((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(timer);
      reject(
        new LabError(`guest ${name} could not be created: ${why}\n${said.slice(-8).join('\n')}`.trim(), {
          blame: 'host',
          code: 'DOMAIN_NOT_CREATED',
          next: 'try it on the host: xl create; xl dmesg and /var/log/xen tell more',
        }),
      );
    };
    const timer = setTimeout(() => {
      xl.kill('SIGKILL');
      // What it has made so far has the name already.
      void run('xl', ['destroy', namePrefix + name])
        .catch(() => undefined)
        .then(() => fail(`xl create did not finish within ${deadlineMs / 1000} s`));
    }, deadlineMs);
    const hear = (line: string): void => {
      if (said.push(line) > 200) said.shift();
      // tools/xl/xl_vmcontrol.c, create_domain()
      const waiting = /^Waiting for domain .* \(domid (\d+)\) to die/.exec(line);
      if (waiting) {
        clearTimeout(timer);
        resolve(Number(waiting[1]));
      }
      const shutdown = /has shut down, reason code (\d+)/.exec(line);
      if (shutdown) reason = shutdownReason(Number(shutdown[1]));
      if (/has been destroyed/.test(line)) reason ||= 'destroyed';
    };
    for (const stream of [xl.stdout, xl.stderr]) if (stream) createInterface({ input: stream }).on('line', hear);
    xl.once('error', (error) => fail(error.message));
    void ended.then((how) => {
      if (how !== 'SIGKILL') fail(`xl ended with ${how}`);
    });
  });
  return {
    domid,
    gone,
    unpause: async () => {
      await run('xl', ['unpause', String(domid)]);
    },
    destroy: async () => {
      if (xl.exitCode !== 0) await destroyDomain(domid);
      const timer = setTimeout(() => xl.kill('SIGKILL'), goneMs);
      await gone;
      clearTimeout(timer);
    },
  };
}

/**
 * Destroys a domain, or makes sure that it is gone: xl fails for a domain that ends by itself just then, but also when
 * the toolstack stumbles over its own work for it.
 */
async function destroyDomain(domid: number): Promise<void> {
  let complaint = '';
  for (let i = 0; i < destroyAttempts; i++) {
    try {
      await run('xl', ['destroy', String(domid)]);
      return;
    } catch (error) {
      complaint = messageOf(error);
    }
    const isThere = await run('xl', ['domname', String(domid)]).then(
      () => true,
      () => false,
    );
    if (!isThere) return;
  }
  throw new LabError(`domain ${domid} cannot be destroyed: ${complaint}`, {
    blame: 'host',
    code: 'DOMAIN_NOT_DESTROYED',
    next: 'look at it on the host: xl list; xl dmesg and /var/log/xen tell more',
  });
}

/** Resolves when a process has ended and what it said last was heard, with its exit code or signal. */
async function lastWords(child: ChildProcess): Promise<string> {
  return await new Promise((resolve) => {
    child.once('close', (code, signal) => resolve(String(signal ?? code)));
    // `close` does not come as long as a process that it has left behind holds its pipes.
    child.once('exit', (code, signal) => setTimeout(resolve, 500, String(signal ?? code)).unref());
  });
}

/** SHUTDOWN_* of Xen's public/sched.h. */
function shutdownReason(code: number): string {
  return ['poweroff', 'reboot', 'suspend', 'crash', 'watchdog', 'soft reset'][code] ?? `shutdown ${code}`;
}

/** Destroys the domains that an earlier agent left behind. Returns their names. */
export async function sweepDomains(): Promise<string[]> {
  const { stdout } = await run('xl', ['list']);
  const names = stdout
    .split('\n')
    .map((line) => line.split(/\s+/)[0] ?? '')
    .filter((name) => name.startsWith(namePrefix));
  for (const name of names) await run('xl', ['destroy', name]).catch(() => undefined);
  return names;
}
