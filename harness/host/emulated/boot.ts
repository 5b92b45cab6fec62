import { stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { $ } from 'zx';
import { isLabError, LabError, messageOf } from '../../../src/errors.ts';
import { SshConnection } from '../ssh/ssh-connection.ts';
import type { SshTarget } from '../ssh-target.ts';
import { diskFull } from './build-failure.ts';
import type { BuildDirectory } from './build-directory.ts';
import { imageFiles, stateFiles, toImage, type Machine } from './machine.ts';
import { saveState, type StateInputs, type StateManifest } from './machine-state.ts';
import { forwardedPort, startQemu, type Qemu } from './qemu.ts';
import { followLines } from './serial-lines.ts';
import { systemPath } from './system-path.ts';

/** How long dom0 may take from power-on. Far more than it needs on two busy processors. */
const bootMs = 600_000;

/** How to boot a host for its saved state. */
export interface BootOptions {
  readonly inputs: StateInputs;
  /** Two levels below the image's directory. */
  readonly build: BuildDirectory;
  /** How to log in, once the port is known. */
  readonly target: (port: number) => SshTarget;
  readonly temporary: string;
  readonly note: (text: string) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Boots the host of an image, lets it use what every run uses, and saves the machine's state.
 *
 * @throws LabError with blame `host`, code `BOOT_FAILED`, with the end of the serial console as evidence
 */
export async function bootAndSave(options: BootOptions): Promise<void> {
  const { inputs, build, note } = options;
  const startedAt = performance.now();
  const limit = AbortSignal.timeout(bootMs);
  const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
  const log = join(build.path, stateFiles.bootLog);
  const base = `${toImage}/${imageFiles.disk}`;
  await $({
    quiet: true,
    cwd: build.path,
    env: { ...process.env, PATH: systemPath() },
  })`qemu-img create -q -f qcow2 -F raw -b ${base} ${stateFiles.disk}`;

  const machine: Machine = { ...inputs, serial: { log }, sshPort: 0, start: 'boot' };
  const seen: string[] = [];
  try {
    await using qemu = await startQemu({ machine, directory: build.path, temporary: options.temporary, signal });
    await ready(qemu, log, seen, note, signal);
    note('log in');
    await logIn(options.target(await forwardedPort(qemu.qmp, signal)), signal);
    note("save the machine's state");
    await saveState(qemu.qmp, signal);
    await qemu.process.exited;
  } catch (error) {
    options.signal?.throwIfAborted();
    if (isLabError(error) && error.code !== 'QMP_LOST') throw error;
    throw new LabError(
      `the emulated host did not come up: ${limit.aborted ? `no end after ${bootMs / 1000} s` : messageOf(error)}`,
      {
        blame: 'host',
        code: 'BOOT_FAILED',
        ...(inputs.accelerator === 'kvm' ? { next: 'try without KVM: set IOREQLAB_ACCELERATOR=tcg' } : {}),
        evidence: seen.slice(-60).join('\n'),
        cause: error,
      },
    );
  }
  await writeManifest(build.path, inputs, (performance.now() - startedAt) / 1000);
}

/** Resolves when dom0 says that it has warmed up. */
async function ready(
  qemu: Qemu,
  log: string,
  seen: string[],
  note: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const watch = async (): Promise<void> => {
    for await (const line of followLines(log, AbortSignal.any([signal, stop.signal]))) {
      seen.push(line);
      const own = /ioreqlab: (.*)/.exec(line)?.[1];
      if (own === 'ready') return;
      if (own?.startsWith('failed')) throw new Error(`dom0 ${own}`);
      if (/Panic on CPU|Kernel panic/.test(line)) throw new Error(line.trim());
      if (own !== undefined) note(`dom0: ${own}`);
      else if (/Xen version 4/.test(line)) note('Xen starts');
      else if (/Linux version \d/.test(line)) note("dom0's kernel starts");
    }
  };
  const died = qemu.process.exited.then(({ signal: by }) => {
    // Its memory is a file: the kernel ends whoever touches a page that finds no room.
    if (by === 'SIGBUS') throw diskFull(`the disk with ${dirname(log)} is full`);
    throw new Error(`QEMU ended: ${qemu.process.output.split('\n').at(-1) || 'no word why'}`);
  });
  try {
    await Promise.race([watch(), died]);
  } finally {
    stop.abort();
    died.catch(() => undefined);
  }
}

/** Proves that the pinned keys fit, and warms up what a session with sshd needs. */
async function logIn(target: SshTarget, signal: AbortSignal): Promise<void> {
  await using ssh = await SshConnection.open(target, signal);
  const { code } = await ssh.run(['xl', 'list'], signal);
  if (code !== 0) throw new Error(`xl list over SSH ended with code ${code}`);
  (await ssh.sftp()).end();
}

async function writeManifest(directory: string, inputs: StateInputs, bootSeconds: number): Promise<void> {
  const names = [stateFiles.memory, stateFiles.devices, stateFiles.disk];
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, name))).size));
  const manifest: StateManifest = {
    timing: inputs.timing,
    accelerator: inputs.accelerator,
    qemu: inputs.qemu,
    created: new Date().toISOString(),
    bootSeconds: Math.round(bootSeconds * 10) / 10,
    files: Object.fromEntries(names.map((name, index) => [name, { bytes: sizes[index] ?? 0 }])),
  };
  await writeFile(join(directory, stateFiles.manifest), `${JSON.stringify(manifest, undefined, 2)}\n`);
}
