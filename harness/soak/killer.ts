import { createInterface } from 'node:readline';
import type { ClientChannel } from 'ssh2';
import type { SshConnection } from '../host/ssh/ssh-connection.ts';

/**
 * In dom0: waits for a guest's device-model process, then for so many seconds, and kills it. The agent gives the process
 * its guest's name as an argument.
 */
const script = `
while read -r guest seconds; do
  tries=0
  until pid=$(pgrep -f "device-model[.]mjs $guest\\$"); do
    tries=$((tries + 1))
    [ $tries -lt 400 ] || break
    sleep 0.02
  done
  sleep "$seconds"
  pid=$(pgrep -f "device-model[.]mjs $guest\\$") && kill -KILL $pid && echo "killed $pid" || echo none
done`;

/** Kills device-model processes in dom0, with a shell that runs there already. */
export class Killer implements AsyncDisposable {
  readonly #channel: ClientChannel;
  readonly #waiting: ((line: string) => void)[] = [];

  private constructor(channel: ClientChannel) {
    this.#channel = channel;
    createInterface({ input: channel }).on('line', (line) => this.#waiting.shift()?.(line));
    channel.once('close', () => {
      for (const wake of this.#waiting.splice(0)) wake('none');
    });
  }

  static async start(ssh: SshConnection): Promise<Killer> {
    return new Killer(await ssh.start(['sh', '-c', script]));
  }

  /** SIGKILL after a delay. Resolves with whether there was a process to be killed. */
  async kill(guest: string, delayMs: number): Promise<boolean> {
    return await new Promise((resolve) => {
      this.#waiting.push((line) => resolve(line.startsWith('killed')));
      this.#channel.write(`${guest} ${(delayMs / 1000).toFixed(3)}\n`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#channel.once('close', resolve));
    this.#channel.end();
    await closed;
  }
}
