import { createInterface } from 'node:readline';
import type { ClientChannel } from 'ssh2';
import type { SshConnection } from '../host/ssh/ssh-connection.ts';

/**
 * In dom0: waits for a guest's device-model process, looking so many times, then for so many seconds, and kills it. The
 * agent gives the process its guest's name as an argument. Without starting programs, which takes long under emulation:
 * dash's `read` leaves out the NULs of cmdline.
 */
const script = `
agent=$(pgrep -f '/agent[.]mjs' | head -n 1)
find() {
  found=
  children=
  read -r children < /proc/$agent/task/$agent/children
  for pid in $children; do
    words=
    read -r words < /proc/$pid/cmdline
    case $words in *device-model.mjs$guest) found=$pid ;; esac
  done 2> /dev/null
  [ -n "$found" ]
}
while read -r guest seconds looks; do
  until find || [ $((looks = looks - 1)) -lt 0 ]; do sleep 0.02; done
  sleep "$seconds"
  find && kill -KILL $found && echo "killed $found" || echo none
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

  /**
   * SIGKILL after a delay. Resolves with whether there was a process to be killed.
   *
   * @param patienceMs how long the process may take to appear
   */
  async kill(guest: string, delayMs: number, patienceMs: number): Promise<boolean> {
    return await new Promise((resolve) => {
      this.#waiting.push((line) => resolve(line.startsWith('killed')));
      this.#channel.write(`${guest} ${(delayMs / 1000).toFixed(3)} ${Math.ceil(patienceMs / 20)}\n`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#channel.once('close', resolve));
    this.#channel.end();
    await closed;
  }
}
