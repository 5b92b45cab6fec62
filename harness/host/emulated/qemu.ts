import { $ } from 'zx';
import { LabError } from '../../../src/errors.ts';
import { machineArguments, type Machine } from './machine.ts';
import { SpawnedProcess } from './spawned-process.ts';
import { QmpClient } from './qmp-client.ts';
import { systemPath } from './system-path.ts';

/** QEMU's program. */
export const qemuCommand = 'qemu-system-x86_64';

/** A running QEMU and the connection that controls it. */
export interface Qemu extends AsyncDisposable {
  readonly process: SpawnedProcess;
  readonly qmp: QmpClient;
}

/** What `qemu-system-x86_64 --version` calls itself, such as `7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)`. */
export async function qemuVersion(): Promise<string> {
  const { stdout } = await $({ quiet: true, env: { ...process.env, PATH: systemPath() } })`${qemuCommand} --version`;
  return /version (.*)/.exec(stdout)?.[1] ?? stdout.trim();
}

/** How to start QEMU. */
export interface QemuOptions {
  readonly machine: Machine;
  /** The state's directory. */
  readonly directory: string;
  /** For the private copy of the disk. */
  readonly temporary: string;
  readonly signal?: AbortSignal | undefined;
  readonly outlivesUs?: boolean;
}

/**
 * Starts QEMU; unless told otherwise it ends when we do.
 * @throws LabError: `PORT_TAKEN` with blame `usage`; `QEMU_FAILED` with blame `host` and QEMU's words as evidence
 */
export async function startQemu(options: QemuOptions): Promise<Qemu> {
  const { machine, directory, temporary, signal, outlivesUs = false } = options;
  const process = await SpawnedProcess.start(qemuCommand, machineArguments(machine), {
    cwd: directory,
    env: { TMPDIR: temporary },
    descriptors: ['pipe'],
    outlivesUs,
    ...(signal ? { signal } : {}),
  });
  try {
    const qmp = await QmpClient.open(process.connection(0), signal);
    return {
      process,
      qmp,
      async [Symbol.asyncDispose]() {
        qmp[Symbol.dispose]();
        await process[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await process[Symbol.asyncDispose]();
    signal?.throwIfAborted();
    throw explainQemuFailure(process.output, machine.sshPort, error);
  }
}

/** Why QEMU did not start, from what it printed. */
export function explainQemuFailure(output: string, sshPort: number, cause?: unknown): LabError {
  if (/could not set up host forwarding/i.test(output)) {
    return new LabError(`port ${sshPort} of this machine is taken, or may not be used`, {
      blame: 'usage',
      code: 'PORT_TAKEN',
      next: `leave the choice of the port to the system, or see who has it: ss -ltnp 'sport = :${sshPort}'`,
      evidence: output,
    });
  }
  return new LabError(`QEMU did not start: ${output.split('\n').at(-1) || 'no word why'}`, {
    blame: 'host',
    code: 'QEMU_FAILED',
    evidence: output,
    cause,
  });
}

/** The port on the loopback interface that QEMU forwards to sshd. */
export async function forwardedPort(qmp: QmpClient, signal?: AbortSignal): Promise<number> {
  // There is no QMP command that tells it.
  const text = await qmp.execute('human-monitor-command', { 'command-line': 'info usernet' }, signal);
  const port = /HOST_FORWARD\S*\s+\S+\s+127\.0\.0\.1\s+(\d+)/.exec(String(text))?.[1];
  if (port === undefined) {
    throw new LabError('QEMU does not say which port it forwards', {
      blame: 'harness',
      code: 'QMP_ERROR',
      evidence: String(text),
    });
  }
  return Number(port);
}
