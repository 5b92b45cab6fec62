import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { LabError, messageOf } from '../errors.ts';
import { toWire } from '../wire-error.ts';
import { createDomain, sweepDomains } from './domain.ts';
import { encodeFrame, FrameReader, type Frame } from './frames.ts';
import { GuestProcess } from './guest-process.ts';
import { describeHost, readXenLog } from './host-environment.ts';
import { numberedRequestSchema, type AgentEvent, type Request } from './protocol.ts';

/** Where the agent keeps what it needs while it runs. */
const runDirectory = '/run/ioreqlab';
/** An abstract socket that only one process can hold and that vanishes with it: the lock on the host. */
const lockName = '\0ioreqlab-agent';

/**
 * The process that the orchestrator starts in dom0 over SSH. It speaks frames on stdin and stdout and ends, with
 * everything that it has started, when stdin ends.
 */
export class Agent {
  readonly #deviceModelFile: string;
  readonly #addonFile: string;
  readonly #guests = new Map<string, GuestProcess>();
  #lock: Server | undefined;
  #directory = runDirectory;
  #isEnding = false;

  /** @param deviceModelFile the bundle of device-model.entry.ts */
  constructor(deviceModelFile: string, addonFile: string) {
    this.#deviceModelFile = deviceModelFile;
    this.#addonFile = addonFile;
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
    await Promise.allSettled([...this.#guests.values()].map((guest) => guest.close()));
    await rm(this.#directory, { recursive: true, force: true });
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
      const [result, answerBlobs] = await this.#handle(id, request, blobs);
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
      case 'createGuest':
        return [await this.#createGuest(request), []];
      case 'destroyGuest': {
        const guest = this.#guests.get(request.guest);
        this.#guests.delete(request.guest);
        await guest?.close();
        return [{}, []];
      }
      default: {
        const guest = this.#guests.get(request.guest);
        if (guest === undefined) {
          throw new LabError(`there is no guest ${request.guest}`, { blame: 'scenario', code: 'GUEST_UNKNOWN' });
        }
        return await guest.request(id, request, blobs);
      }
    }
  }

  async #hello(run: string): Promise<{ swept: string[] }> {
    const lock = createServer((socket) => socket.end(`${run}\n`));
    await new Promise<void>((resolve, reject) => {
      lock.once('error', () =>
        reject(
          new LabError('another run uses this host', {
            blame: 'host',
            code: 'HOST_BUSY',
          }),
        ),
      );
      lock.listen(lockName, resolve);
    });
    lock.unref();
    this.#lock = lock;
    this.#directory = join(runDirectory, run);
    // No agent has been here since the host booted: so there are no leftovers to look for.
    const isFirst = !existsSync(runDirectory);
    await rm(runDirectory, { recursive: true, force: true });
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    return { swept: isFirst ? [] : await sweepDomains() };
  }

  async #createGuest(request: Extract<Request, { do: 'createGuest' }>): Promise<{ domid: number }> {
    if (this.#guests.has(request.guest)) {
      throw new LabError(`there is a guest ${request.guest} already`, { blame: 'scenario', code: 'GUEST_EXISTS' });
    }
    const { guest, vcpus, controlPort } = request;
    const domain = await createDomain({ ...request, name: guest }, this.#directory);
    try {
      const setup = {
        guest,
        domid: domain.domid,
        vcpus,
        controlPort,
        addonFile: this.#addonFile,
        workerFile: this.#deviceModelFile,
      };
      const started = await GuestProcess.start(domain, setup, (event) => {
        if (event.event === 'guestGone' || event.event === 'deviceModelGone') this.#guests.delete(guest);
        this.#tell(event);
      });
      this.#guests.set(guest, started);
    } catch (error) {
      await domain.destroy();
      throw error;
    }
    return { domid: domain.domid };
  }
}
