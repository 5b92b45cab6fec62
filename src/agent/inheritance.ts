import type { GuestRequest } from './protocol.ts';

/** What was asked of a guest's device-model process about one server, to be done anew by its successor. */
export interface InheritedServer {
  /** Xen's id: the server itself is still there. */
  readonly xenId: number;
  /** `createServer`, then what was done to the server, in order. */
  readonly requests: readonly GuestRequest[];
}

/** What a device-model process takes over of one that has died. */
export interface Inheritance {
  /** Xen's id of the control server; missing when the process died before it could tell. */
  readonly control: number | undefined;
  readonly servers: readonly InheritedServer[];
  /**
   * Whether requests that the dead process had in hand go to the new handlers. Otherwise they are answered with all ones: one
   * of them may be what kills.
   */
  readonly isTrusted: boolean;
}

/** The agent's account of a guest's servers: what a successor needs. Only what was answered with success counts. */
export class ServerAccount {
  control: number | undefined;
  readonly #servers = new Map<string, { xenId: number; requests: GuestRequest[] }>();

  /** Takes note of a request that was done. */
  note(request: GuestRequest, result: unknown): void {
    if (request.do === 'trace') return;
    if (request.do === 'closeServers') this.#servers.clear();
    if (request.do === 'closeServer') this.#servers.delete(request.server);
    if (request.do === 'createServer') {
      this.#servers.set(request.server, { xenId: (result as { xenId: number }).xenId, requests: [request] });
    } else if ('server' in request && request.do !== 'useDevice') {
      const server = this.#servers.get(request.server);
      if (server === undefined) return;
      // Of settings the last one counts; devices add up.
      const isSetting = request.do !== 'attach';
      server.requests = [...server.requests.filter((other) => !isSetting || other.do !== request.do), request];
    }
  }

  inheritance(isTrusted: boolean): Inheritance {
    return { control: this.control, servers: [...this.#servers.values()], isTrusted };
  }
}
