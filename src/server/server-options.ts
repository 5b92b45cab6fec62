import { LabError } from '../errors.ts';
import { bufferedMode, waitingMode, type Addon, type ServerHandle } from '../xen/addon.ts';

/**
 * How a server's threads wait for requests. `block`: asleep on the event channels. `spin`: they look at the slots for
 * so many TSC cycles first. `adaptive`: they spin as long as that has lately paid, at most so many cycles.
 */
export type Waiting =
  | { readonly mode: 'block' }
  | { readonly mode: 'spin'; readonly cycles: number }
  | { readonly mode: 'adaptive'; readonly cycles: number };

/**
 * The best of the three where bursts and gaps alternate and several servers share a processor, as measured by the scenario
 * `performance/waiting`: nearly as fast as spinning within a burst, and it leaves the processor alone in a gap.
 */
export const defaultWaiting: Waiting = { mode: 'adaptive', cycles: 200_000 };

/** What a server is made of. */
export interface ServerOptions {
  /**
   * The ring into which Xen puts writes that no vCPU waits for (VGA memory, changes of the guest's clock), and how its
   * pointers count: HVM_IOREQSRV_BUFIOREQ_* of Xen's public/hvm/hvm_op.h. Default `off`: such writes come as others do.
   */
  readonly buffered?: keyof typeof bufferedMode | undefined;
  /**
   * `one` (the default): a worker serves all vCPUs. `perVcpu`: each vCPU has a worker of its own, and a device is made
   * once in each; what its instances have in common they keep in `shared` memory. Not with a ring: the order between the
   * ring and the slots is the server's.
   */
  readonly workers?: 'one' | 'perVcpu' | undefined;
  /** `off`: its trace stays empty. For what recording costs; default `on`. */
  readonly recording?: 'on' | 'off' | undefined;
  /** Default {@link defaultWaiting}. */
  readonly waiting?: Waiting | undefined;
}

/**
 * Creates a server in Xen.
 *
 * @param inherited Xen's id of one that is there already, which was made with the same options
 * @throws LabError `SERVER_OPTIONS_CONFLICT` for a ring together with a worker per vCPU
 */
export function createServer(addon: Addon, options: ServerOptions, inherited?: number): ServerHandle {
  const { buffered = 'off', workers = 'one', waiting = defaultWaiting, recording = 'on' } = options;
  if (buffered !== 'off' && workers === 'perVcpu') {
    throw optionsConflict('a server with a buffered ring has one worker: the order between ring and slots is its own');
  }
  const server =
    inherited === undefined
      ? addon.createServer(bufferedMode[buffered], workers === 'perVcpu')
      : addon.adoptServer(inherited, bufferedMode[buffered], workers === 'perVcpu');
  setWaiting(addon, server, waiting);
  if (recording === 'off') addon.stopRecording(server);
  return server;
}

/** Changes how a server's threads wait, from their next wait on. */
export function setWaiting(addon: Addon, server: ServerHandle, waiting: Waiting): void {
  addon.setWaiting(server, waitingMode[waiting.mode], waiting.mode === 'block' ? 0 : waiting.cycles);
}

/** What a server with a worker for each vCPU cannot have. */
export function optionsConflict(message: string): LabError {
  return new LabError(message, {
    blame: 'scenario',
    code: 'SERVER_OPTIONS_CONFLICT',
    next: "leave out `workers: 'perVcpu'`, or use another server",
  });
}
