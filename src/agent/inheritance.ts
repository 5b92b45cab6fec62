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
   * Whether requests that the dead process had in hand go to the new handlers. Otherwise they are answered with all
   * ones: one of them may be what kills.
   */
  readonly isTrusted: boolean;
}

/**
 * What a request means for who takes a server over: it has made the server, it adds to it, it sets something of which
 * the last word counts, it closes one server or all, or it leaves nothing behind.
 */
const effects: Readonly<Record<GuestRequest['do'], 'makes' | 'adds' | 'sets' | 'closes' | 'closesAll' | 'nothing'>> = {
  createServer: 'makes',
  attach: 'adds',
  attachReference: 'sets',
  attachConstant: 'sets',
  setWaiting: 'sets',
  closeServer: 'closes',
  closeServers: 'closesAll',
  useDevice: 'nothing',
  trace: 'nothing',
  execute: 'nothing',
  readMemory: 'nothing',
  writeMemory: 'nothing',
  showClock: 'nothing',
  dmOps: 'nothing',
  takeProbed: 'nothing',
  endProbe: 'nothing',
  startFaults: 'nothing',
  makeFaults: 'nothing',
  takeFaults: 'nothing',
  endFaults: 'nothing',
};

/** The agent's account of a guest's servers: what a successor needs. Only what was answered with success counts. */
export class ServerAccount {
  /** Xen's id of the control server. */
  control: number | undefined;
  readonly #servers = new Map<string, { readonly xenId: number; requests: readonly GuestRequest[] }>();

  /** Takes note of a request that was done. */
  note(request: GuestRequest, result: unknown): void {
    const effect = effects[request.do];
    if (effect === 'closesAll') this.#servers.clear();
    if (!('server' in request)) return;
    if (effect === 'closes') this.#servers.delete(request.server);
    if (effect === 'makes') {
      this.#servers.set(request.server, { xenId: (result as { xenId: number }).xenId, requests: [request] });
      return;
    }
    const server = this.#servers.get(request.server);
    if (server === undefined || effect === 'nothing') return;
    const others = server.requests.filter((other) => effect === 'adds' || other.do !== request.do);
    server.requests = [...others, request];
  }

  inheritance(isTrusted: boolean): Inheritance {
    return { control: this.control, servers: [...this.#servers.values()], isTrusted };
  }
}
