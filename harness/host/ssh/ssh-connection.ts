import { readFile } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import type { Client, ClientChannel, SFTPWrapper } from 'ssh2';
import { LabError, messageOf } from '../../../src/errors.ts';
import type { SshTarget } from '../ssh-target.ts';
import { connect, keyUnreadable, readyMs, unreachable, type Connected } from './connect.ts';
import { quoteWords } from './quote.ts';

/** Bytes of stdout and stderr together that a command may print. */
const outputLimit = 16 * 1024 * 1024;

/** How long the host gets to close the connection when we have ended it. */
const endMs = 2_000;

/** What a command on the host left. */
export interface CommandResult {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One connection to a host, on which everything runs. Ends with its owner. */
export class SshConnection implements AsyncDisposable {
  readonly target: SshTarget;
  /** Resolves when the connection is gone, with the reason if it was not ours. */
  readonly closed: Promise<Error | undefined>;
  readonly #client: Client;
  readonly #socket: Duplex;
  readonly #jump: SshConnection | undefined;
  #isEnding = false;

  private constructor(target: SshTarget, { client, socket }: Connected, jump: SshConnection | undefined) {
    this.target = target;
    this.#client = client;
    this.#socket = socket;
    this.#jump = jump;
    this.closed = new Promise((resolve) => {
      let reason: Error | undefined;
      client.on('error', (error) => (reason = error));
      client.once('close', () => {
        resolve(this.#isEnding ? undefined : (reason ?? new Error('the connection was closed')));
      });
    });
  }

  /**
   * Connects, through the jump host if there is one. Only the pinned host keys are accepted.
   *
   * @throws LabError with blame `host`: `HOST_UNREACHABLE`, `HOST_KEY_MISMATCH`, `HOST_AUTHENTICATION`; with blame
   * `usage`: `KEY_UNREADABLE`
   */
  static async open(target: SshTarget, signal?: AbortSignal): Promise<SshConnection> {
    const privateKey = await readFile(target.privateKeyFile, 'utf8').catch((error: unknown) => {
      throw keyUnreadable(target, error);
    });
    const jump = target.jump === undefined ? undefined : await SshConnection.open(target.jump, signal);
    try {
      const through = jump === undefined ? undefined : await jump.#forward(target.address, target.port, signal);
      return new SshConnection(target, await connect(target, privateKey, through, signal), jump);
    } catch (error) {
      await jump?.[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts a command and gives its channel: stdin, stdout, and `stderr`. @throws LabError `HOST_LOST` */
  async start(words: readonly string[]): Promise<ClientChannel> {
    const command = quoteWords(words);
    return await this.#open<ClientChannel>((done) => this.#client.exec(command, done));
  }

  /** An interactive shell on a terminal of this size. */
  async shell(terminal: { term: string; rows: number; cols: number }): Promise<ClientChannel> {
    return await this.#open<ClientChannel>((done) => this.#client.shell(terminal, done));
  }

  /**
   * Runs a command to its end.
   *
   * @throws LabError `HOST_LOST` when the connection ended before the command; `TOO_MUCH_OUTPUT`; the signal's reason
   */
  async run(words: readonly string[], signal?: AbortSignal): Promise<CommandResult> {
    signal?.throwIfAborted();
    const command = quoteWords(words);
    let result: Promise<CommandResult> | undefined;
    await this.#open<ClientChannel>((done) =>
      this.#client.exec(command, (error, channel) => {
        // Listens at once: how a short command ended may come in the very same packet.
        if (!error) result = this.#collect(channel, words, signal);
        done(error, channel);
      }),
    );
    return await (result as Promise<CommandResult>);
  }

  /** A file-transfer session; end it with its `end()`. */
  async sftp(): Promise<SFTPWrapper> {
    return await this.#open<SFTPWrapper>((done) => this.#client.sftp(done));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnding = true;
    this.#client.end();
    const timer = setTimeout(() => this.#socket.destroy(), endMs);
    await this.closed;
    clearTimeout(timer);
    await this.#jump?.[Symbol.asyncDispose]();
  }

  /** What a command leaves when its channel is closed. */
  async #collect(channel: ClientChannel, words: readonly string[], signal?: AbortSignal): Promise<CommandResult> {
    return await new Promise((resolve, reject) => {
      const stdout: Buffer[] = [];
      const stderr: Buffer[] = [];
      let size = 0;
      const giveUp = (error: Error): void => {
        channel.close();
        reject(error);
      };
      const keep = (list: Buffer[]) => (chunk: Buffer) => {
        size += chunk.length;
        if (size <= outputLimit) list.push(chunk);
        else giveUp(this.#tooMuch(words));
      };
      const abort = (): void => giveUp(signal?.reason as Error);
      signal?.addEventListener('abort', abort, { once: true });
      if (signal?.aborted) abort();
      let code: number | null | undefined;
      channel.on('data', keep(stdout));
      channel.stderr.on('data', keep(stderr));
      channel.on('exit', (exitCode: number | null) => (code = exitCode));
      channel.on('error', giveUp);
      channel.on('close', () => {
        signal?.removeEventListener('abort', abort);
        // sshd says how a command ended before it closes the channel.
        if (code === undefined) return reject(this.#lost(new Error(`it ended while ${words[0]} ran`)));
        resolve({
          code,
          stdout: Buffer.concat(stdout).toString('utf8'),
          stderr: Buffer.concat(stderr).toString('utf8'),
        });
      });
    });
  }

  /** A connection onwards. If the wait is given up, so is this connection, and with it what may still come. */
  async #forward(address: string, port: number, signal?: AbortSignal): Promise<ClientChannel> {
    const where = `${address}:${port} through ${this.target.address}`;
    const late = AbortSignal.timeout(readyMs);
    const given = AbortSignal.any(signal === undefined ? [late] : [late, signal]);
    return await new Promise((resolve, reject) => {
      const abort = (): void =>
        reject(late.aborted ? unreachable(where, new Error('no answer')) : (signal?.reason as Error));
      if (given.aborted) return abort();
      given.addEventListener('abort', abort, { once: true });
      this.#client.forwardOut('127.0.0.1', 0, address, port, (error, channel) => {
        given.removeEventListener('abort', abort);
        if (error) reject(unreachable(where, error));
        else resolve(channel);
      });
    });
  }

  async #open<T>(ask: (done: (error: Error | undefined, channel: T) => void) => unknown): Promise<T> {
    return await new Promise<T>((resolve, reject) => {
      ask((error, channel) => (error ? reject(error) : resolve(channel)));
    }).catch((error: unknown) => {
      // ssh2 throws at once when the connection is gone.
      throw this.#lost(error);
    });
  }

  #lost(error: unknown): LabError {
    return new LabError(`the connection to ${this.target.address} failed: ${messageOf(error)}`, {
      blame: 'host',
      code: 'HOST_LOST',
      next: 'check that the host is up: ioreqlab host check',
      cause: error,
    });
  }

  #tooMuch(words: readonly string[]): LabError {
    return new LabError(`${words[0]} printed more than ${outputLimit} bytes on ${this.target.address}`, {
      blame: 'host',
      code: 'TOO_MUCH_OUTPUT',
    });
  }
}
