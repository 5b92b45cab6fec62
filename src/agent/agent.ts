import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { LabError, messageOf } from '../errors.ts';
import { toWire } from '../wire-error.ts';
import { loadAddon } from '../xen/addon.ts';
import { createDomain, sweepDomains } from './domain.ts';
import { encodeFrame, FrameReader, type Frame } from './frames.ts';
import { GuestProcess } from './guest-process.ts';
import { describeHost, readXenLog } from './host-environment.ts';
import { numberedRequestSchema, parseRequest, requestSchema, type AgentEvent, type Request } from './protocol.ts';

/** What there is one of on a host. */
export interface AgentPlace {
  /** Where the agent keeps what it needs while it runs. */
  readonly directory: string;
  /** An abstract socket that only one process can hold and that vanishes with it: the lock on the host. */
  readonly lock: string;
  /**
   * Device-model processes give up root: each becomes user and group of this number plus its guest's domid. Missing: they
   * stay who they are.
   */
  readonly firstUser?: number;
}

/** systemd's list of user ids (UIDS-GIDS.md) has nobody from 0x70000000 on; domids end at 0x7ff0. */
const firstUser = 0x7000_0000;

const dom0: AgentPlace = { directory: '/run/ioreqlab', lock: '\0ioreqlab-agent', firstUser };

/**
 * The process that the orchestrator starts in dom0 over SSH. It speaks frames on stdin and stdout and ends, with
 * everything that it has started, when stdin ends.
 */
export class Agent {
  readonly #deviceModelFile: string;
  readonly #addonFile: string;
  readonly #place: AgentPlace;
  readonly #guests = new Map<string, GuestProcess>();
  /** Why a guest that was there is no more. */
  readonly #gone = new Map<string, LabError>();
  /** Guests that are being made. */
  readonly #creating = new Set<Promise<unknown>>();
  #lock: Server | undefined;
  #directory = '';
  #isEnding = false;

  /** @param deviceModelFile the bundle of device-model.entry.ts */
  constructor(deviceModelFile: string, addonFile: string, place: AgentPlace = dom0) {
    this.#deviceModelFile = deviceModelFile;
    this.#addonFile = addonFile;
    this.#place = place;
  }

  run(): void {
    const reader = new FrameReader();
    process.stdin.on('data', (chunk: Buffer) => {
      try {
        for (const frame of reader.push(chunk)) void this.#answer(frame);
      } catch (error) {
        process.stderr.write(`agent: ${messageOf(error)}\n`);
        void this.#end(1);
      }
    });
    process.stdin.on('end', () => void this.#end(0));
    process.stdin.on('error', () => void this.#end(0));
    process.stdout.on('error', () => void this.#end(0));
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void this.#end(0));
    process.on('uncaughtException', (error) => {
      process.stderr.write(`agent: ${error.stack ?? error.message}\n`);
      void this.#end(1);
    });
  }

  async #end(code: number): Promise<void> {
    if (this.#isEnding) return;
    this.#isEnding = true;
    await Promise.allSettled(this.#creating);
    await Promise.allSettled([...this.#guests.values()].map((guest) => guest.close()));
    // Without the lock, what is there belongs to another agent.
    if (this.#lock !== undefined) await rm(this.#directory, { recursive: true, force: true });
    this.#lock?.close();
    process.exit(code);
  }

  #send(frame: Frame): void {
    if (!process.stdout.destroyed) process.stdout.write(encodeFrame(frame));
  }

  #tell = (event: AgentEvent): void => this.#send({ header: event, blobs: [] });

  async #answer({ header, blobs }: Frame): Promise<void> {
    const { id, request } = numberedRequestSchema.parse(header);
    try {
      const [result, answerBlobs] = await this.#handle(id, parseRequest(requestSchema, request), blobs);
      this.#send({ header: { id, ok: true, result }, blobs: answerBlobs });
    } catch (error) {
      this.#send({ header: { id, ok: false, error: toWire(error) }, blobs: [] });
    }
  }

  async #handle(
    id: number,
    request: Request,
    blobs: readonly Uint8Array[],
  ): Promise<[result: unknown, blobs: readonly Uint8Array[]]> {
    switch (request.do) {
      case 'hello':
        return [await this.#hello(request.run), []];
      case 'environment':
        return [await describeHost(this.#addonFile), []];
      case 'xenLog':
        return [{}, [Buffer.from(await readXenLog(), 'utf8')]];
      case 'createGuest': {
        const creating = this.#createGuest(request);
        this.#creating.add(creating);
        try {
          return [await creating, []];
        } finally {
          this.#creating.delete(creating);
        }
      }
      case 'destroyGuest': {
        const guest = this.#guests.get(request.guest);
        this.#guests.delete(request.guest);
        await guest?.close();
        return [{}, []];
      }
      case 'survive':
        this.#guest(request.guest).survives = request.survives;
        return [{}, []];
      default:
        return await this.#guest(request.guest).request(id, request, blobs);
    }
  }

  #guest(name: string): GuestProcess {
    const guest = this.#guests.get(name);
    if (guest !== undefined) return guest;
    const unknown = { blame: 'scenario', code: 'GUEST_UNKNOWN' } as const;
    throw this.#gone.get(name) ?? new LabError(`there is no guest ${name}`, unknown);
  }

  async #hello(run: string): Promise<{ swept: string[] }> {
    const lock = createServer((socket) => socket.end(`${run}\n`));
    await new Promise<void>((resolve, reject) => {
      lock.once('error', (error: NodeJS.ErrnoException) => reject(error.code === 'EADDRINUSE' ? busy() : error));
      lock.listen(this.#place.lock, resolve);
    });
    lock.unref();
    this.#lock = lock;
    const { directory } = this.#place;
    this.#directory = join(directory, run);
    // No agent has been here since the host booted: so there are no leftovers to look for.
    const isFirst = !existsSync(directory);
    await rm(directory, { recursive: true, force: true });
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    return { swept: isFirst ? [] : await sweepDomains() };
  }

  async #createGuest(request: Extract<Request, { do: 'createGuest' }>): Promise<{ domid: number }> {
    if (this.#lock === undefined) {
      throw new LabError('a guest before hello', { blame: 'harness', code: 'AGENT_NOT_GREETED' });
    }
    if (this.#guests.has(request.guest)) {
      throw new LabError(`there is a guest ${request.guest} already`, { blame: 'scenario', code: 'GUEST_EXISTS' });
    }
    const { guest, vcpus, environment, controlPort, survives = false } = request;
    this.#gone.delete(guest);
    const addon = loadAddon(this.#addonFile);
    if (this.#place.firstUser !== undefined) addon.noNewPrivileges();
    const domain = await createDomain({ ...request, name: guest }, this.#directory);
    try {
      const setup = {
        guest,
        domid: domain.domid,
        vcpus,
        environment,
        controlPort,
        addonFile: this.#addonFile,
        workerFile: this.#deviceModelFile,
        user: this.#place.firstUser === undefined ? undefined : this.#place.firstUser + domain.domid,
        // Nobody of ours has been there yet: these are QEMU's.
        foreign: addon.serversOf(domain.domid),
      };
      const started = await GuestProcess.start(domain, setup, survives, (event) => {
        const lost = lostBy(event);
        if (lost !== undefined) {
          this.#guests.delete(guest);
          this.#gone.set(guest, lost);
        }
        this.#tell(event);
      });
      // It may have died meanwhile.
      if (!this.#gone.has(guest)) this.#guests.set(guest, started);
    } catch (error) {
      await domain.destroy();
      throw error;
    }
    return { domid: domain.domid };
  }
}

/** What is told to who still asks for a guest that this event took away. */
function lostBy(event: AgentEvent): LabError | undefined {
  switch (event.event) {
    case 'guestGone':
      return new LabError(`the guest is gone: ${event.reason}`, { blame: 'guest', code: 'GUEST_GONE' });
    case 'deviceModelGone':
      return new LabError(`the device-model process ended with ${event.how}`, {
        ...{ blame: 'deviceModel', code: 'DEVICE_MODEL_GONE' },
      });
    default:
      return undefined;
  }
}

function busy(): LabError {
  return new LabError('another run uses this host', {
    blame: 'host',
    code: 'HOST_BUSY',
    next: 'wait for it, or take another host',
  });
}
