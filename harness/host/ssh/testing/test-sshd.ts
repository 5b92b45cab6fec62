import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { SshTarget } from '../../ssh-target.ts';

const program = '/usr/sbin/sshd';
/** Where OpenSSH locks its unprivileged process up; made by its service, which need not run here. */
const prison = '/run/sshd';

/** Kinds of keys that a {@link TestSshd} can make. */
type KeyType = 'ed25519' | 'rsa' | 'ecdsa';

/**
 * Debian's sshd on a free port of 127.0.0.1, with keys and configuration of its own, for the user who runs the tests. A
 * process for each connection, as inetd starts them, so that a connection can be killed on this side.
 */
export class TestSshd implements AsyncDisposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'ioreqlab-sshd-'));
  readonly port: number;
  /** Lets the user in. */
  readonly userKey: string;
  readonly #server: Server;
  readonly #connections = new Set<ChildProcess>();

  private constructor(server: Server, hostKey: KeyType) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.userKey = this.makeKey('user');
    const authorized = join(this.directory, 'authorized_keys');
    writeFileSync(authorized, this.publicKey('user'));
    this.makeKey('host', hostKey);
    const configuration = join(this.directory, 'sshd_config');
    writeFileSync(
      configuration,
      [
        `HostKey ${join(this.directory, 'host')}`,
        `AuthorizedKeysFile ${authorized}`,
        ...['StrictModes no', 'UsePAM no', 'PasswordAuthentication no', 'KbdInteractiveAuthentication no'],
        ...['PermitRootLogin prohibit-password', 'AllowTcpForwarding yes', 'PrintMotd no', 'PrintLastLog no'],
        ...['Subsystem sftp internal-sftp', 'LogLevel ERROR'],
        // Without it bash takes itself for a log-in and reads what the user has in ~/.bashrc.
        ...['SetEnv SHLVL=2', ''],
      ].join('\n'),
    );
    if (userInfo().uid === 0) mkdirSync(prison, { recursive: true, mode: 0o755 });
    server.on('connection', (socket) => {
      const child = spawn(program, ['-i', '-e', '-f', configuration], {
        detached: true, // a process group, so that all of it can be killed
        stdio: [socket, socket, 'ignore'],
      });
      this.#connections.add(child);
      child.once('exit', () => this.#connections.delete(child));
      socket.destroy();
    });
  }

  static async start(hostKey: KeyType = 'ed25519'): Promise<TestSshd> {
    if (!existsSync(program)) throw new Error(`no ${program}: apt-get install openssh-server (npm test does it)`);
    // Not a byte may be read here: all of them are sshd's.
    const server = createServer({ pauseOnConnect: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new TestSshd(server, hostKey);
  }

  /** How to reach it, as it is right. */
  get target(): SshTarget {
    return {
      ...{ address: '127.0.0.1', port: this.port, user: userInfo().username },
      ...{ privateKeyFile: this.userKey, hostKeys: [this.publicKey('host')] },
    };
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Makes a key of that name and gives the path of its private half. */
  makeKey(name: string, type: KeyType = 'ed25519', passphrase = ''): string {
    const file = join(this.directory, name);
    const bits = type === 'rsa' ? ['-b', '2048'] : [];
    execFileSync('ssh-keygen', ['-q', '-t', type, ...bits, '-N', passphrase, '-C', name, '-f', file]);
    return file;
  }

  /** The public half of the key of that name, as OpenSSH writes it. */
  publicKey(name: string): string {
    return readFileSync(join(this.directory, `${name}.pub`), 'utf8').trim();
  }

  /** Kills what serves the connections, without a word to the other side. */
  kill(): void {
    for (const { pid } of this.#connections) if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.directory, { recursive: true });
  }
}
