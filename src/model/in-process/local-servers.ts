import { LabError } from '../../errors.ts';
import { ServerHost, type ServerRemains, type ServerTrouble } from '../../server/server-host.ts';
import type { InProcess } from './in-process.ts';

/** The servers of an in-process guest, by name: a device-model process without the process. */
export class LocalServers implements AsyncDisposable {
  readonly #guest: InProcess;
  readonly #trouble: (server: string, trouble: ServerTrouble) => void;
  readonly #servers = new Map<string, ServerHost>();

  /** @param trouble told of what goes wrong with a server while it serves */
  constructor(guest: InProcess, trouble: (server: string, trouble: ServerTrouble) => void) {
    this.#guest = guest;
    this.#trouble = trouble;
    guest.addon.open(guest.domid, guest.vcpus);
  }

  get names(): readonly string[] {
    return [...this.#servers.keys()];
  }

  /** @throws LabError `SERVER_EXISTS`; what Xen refused */
  create(name: string): ServerHost {
    if (this.#servers.has(name)) {
      throw new LabError(`there is a server ${name} already`, { blame: 'scenario', code: 'SERVER_EXISTS' });
    }
    const { addon, workers } = this.#guest;
    const server = new ServerHost(addon, workers, (trouble) => this.#trouble(name, trouble));
    this.#servers.set(name, server);
    return server;
  }

  /** @throws LabError `SERVER_UNKNOWN` */
  named(name: string): ServerHost {
    const server = this.#servers.get(name);
    if (server !== undefined) return server;
    throw new LabError(`there is no server ${name}`, { blame: 'scenario', code: 'SERVER_UNKNOWN' });
  }

  /** The orderly end of one server. */
  async close(name: string): Promise<ServerRemains> {
    const server = this.named(name);
    this.#servers.delete(name);
    return await server.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.names) await this.close(name);
    this.#guest.memory.drop();
  }
}
