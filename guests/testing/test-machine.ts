import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONSOLE_PORT } from '../program/index.ts';
import { buildWorkload } from './build-workload.ts';

/** How a {@link TestMachine} is made. */
export interface TestMachineOptions {
  /** Default 1. */
  readonly vcpus?: number;
  /** Further QEMU arguments; without any of these nobody owns the control port. */
  readonly arguments?: readonly string[];
}

/** The workload guest in plain QEMU (TCG), started through its PVH note; its RAM is a file that tests read and write. */
export class TestMachine implements AsyncDisposable {
  readonly #directory: string;
  readonly #process: ChildProcess;
  #ram: number | undefined;
  #stderr = '';

  private constructor(directory: string, process: ChildProcess) {
    this.#directory = directory;
    this.#process = process;
    process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
  }

  /** Starts QEMU; it ends with the object, and with this process. */
  static start({ vcpus = 1, arguments: further = [] }: TestMachineOptions = {}): TestMachine {
    const elf = buildWorkload();
    const directory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'ioreqlab-guest-'));
    const child = spawn(
      'setpriv',
      [
        ['--pdeathsig', 'KILL', 'qemu-system-x86_64', '-nodefaults', '-no-user-config', '-no-reboot'],
        ['-display', 'none', '-monitor', 'none', '-accel', 'tcg', '-cpu', 'max', '-m', '64', '-smp', String(vcpus)],
        ['-object', `memory-backend-file,id=ram,size=64M,mem-path=${directory}/ram,share=on`],
        ['-machine', 'q35,memory-backend=ram', '-kernel', elf],
        ['-chardev', `file,id=console,path=${directory}/console`],
        ['-device', `isa-debugcon,iobase=${CONSOLE_PORT},chardev=console`],
        further,
      ].flat(),
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    return new TestMachine(directory, child);
  }

  /** What the guest wrote to its console so far. */
  get console(): string {
    const file = join(this.#directory, 'console');
    return existsSync(file) ? readFileSync(file, 'latin1') : '';
  }

  /** Exit code once QEMU has ended, else undefined. */
  get exitCode(): number | undefined {
    return this.#process.exitCode ?? undefined;
  }

  /** Guest RAM. */
  read(address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    readSync(this.#openRam(), bytes, 0, length, address);
    return bytes;
  }

  /** Writes guest RAM. */
  write(address: number, bytes: Uint8Array): void {
    writeSync(this.#openRam(), bytes, 0, bytes.length, address);
  }

  /** Asks every millisecond until `question` answers something. Throws when the machine has ended or `deadlineMs` is over. */
  async until<Answer>(what: string, question: () => Answer | undefined, deadlineMs = 50_000): Promise<Answer> {
    const end = performance.now() + deadlineMs;
    for (;;) {
      const ended = this.exitCode;
      const answer = question();
      if (answer !== undefined) return answer;
      if (ended !== undefined || performance.now() > end)
        throw new Error(`${what}: exit ${ended ?? 'none'} within ${deadlineMs} ms; ${this.console}${this.#stderr}`);
      await sleep(1);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const exit = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await exit;
    }
    if (this.#ram !== undefined) closeSync(this.#ram);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #openRam(): number {
    this.#ram ??= openSync(join(this.#directory, 'ram'), 'r+');
    return this.#ram;
  }
}
