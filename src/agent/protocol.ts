import * as z from 'zod';
import { LabError } from '../errors.ts';
import { slotFields } from '../server/fault-step.ts';
import { dmOps, type DmOpName } from '../xen/dm-op.ts';

/**
 * The messages between the orchestrator and the agent in dom0, as headers of {@link Frame}s. Both ends check what they
 * get. Requests that name a guest's device model are relayed by the agent to that guest's process as they are.
 */
export const protocolVersion = 1;

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,40}$/);
const address = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const vcpu = z.number().int().min(0).max(127);
const port = z.number().int().min(0).max(0xffff);

/** How a guest is started: `hvm` with QEMU beside our device model, `pvh` with ours alone. */
export const environmentSchema = z.enum(['hvm', 'pvh']);
export type Environment = z.infer<typeof environmentSchema>;

/** A number of 64 bits: too wide for JSON. */
const u64 = z.string().regex(/^0x[0-9a-f]{1,16}$/);
const probeStepSchema = z.object({
  op: z.enum(['acquireResource', ...(Object.keys(dmOps) as DmOpName[])]),
  args: z.array(u64).max(7),
});

const milliseconds = z.number().int().min(0).max(60_000);
const u32 = z.number().int().min(0).max(0xffff_ffff);
/** `FaultStep` of src/server/fault-step.ts. */
const faultStepSchema = z.discriminatedUnion('do', [
  z.object({ do: z.literal('state'), state: z.number().int().min(0).max(15) }),
  z.object({ do: z.literal('field'), field: z.enum(slotFields), value: u64 }),
  z.object({ do: z.literal('answer'), data: u64 }),
  z.object({ do: z.literal('notify'), times: z.number().int().min(1).max(100_000).optional(), vcpu: u32.optional() }),
  z.object({ do: z.literal('wait'), ms: milliseconds }),
  z.object({ do: z.literal('await'), state: z.number().int().min(0).max(15) }),
  z.object({ do: z.literal('look') }),
  z.object({ do: z.literal('unmap') }),
  z.object({ do: z.literal('map') }),
  z.object({ do: z.literal('ring'), read: u32.optional(), write: u32.optional() }),
  z.object({ do: z.literal('enable'), isEnabled: z.boolean() }),
  z.object({ do: z.literal('die') }),
]);
const faultStepsSchema = z.array(faultStepSchema).max(256);

/** What a device's `snapshot` gives: its own state, and the configuration space of each of its PCI functions. */
export const deviceStateSchema = z.object({
  state: z.unknown(),
  functions: z.record(z.string(), z.array(z.number().int().min(0).max(255)).length(256)),
});

/** {@link Waiting} of src/server. */
const waiting = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('block') }),
  z.strictObject({ mode: z.literal('spin'), cycles: address }),
  z.strictObject({ mode: z.literal('adaptive'), cycles: address }),
]);

/** {@link ServerOptions} of src/server. */
const serverOptions = z.strictObject({
  buffered: z.enum(['off', 'legacy', 'atomic']).optional(),
  workers: z.enum(['one', 'perVcpu']).optional(),
  recording: z.enum(['on', 'off']).optional(),
  waiting: waiting.optional(),
});

const guestRequests = [
  z.object({ do: z.literal('createServer'), guest: name, server: name, options: serverOptions.optional() }),
  z.object({ do: z.literal('setWaiting'), guest: name, server: name, waiting }),
  z.object({
    do: z.literal('attach'),
    guest: name,
    server: name,
    device: z.string(),
    options: z.unknown(),
    at: z.record(z.string(), address),
  }),
  /** Has a device do what it may be able to; `device` is what `attach` gave. */
  z.object({
    do: z.literal('useDevice'),
    guest: name,
    server: name,
    device: z.number().int().min(0),
    ability: z.enum(['reset', 'snapshot', 'restore']),
    state: deviceStateSchema.optional(),
  }),
  z
    .object({
      do: z.literal('attachReference'),
      guest: name,
      server: name,
      ports: z.array(port).max(256),
      /** Guest-physical. */
      addresses: z.array(address).max(256).optional(),
      /** How often it looks at all of them in vain first: slower on purpose. */
      scans: z.number().int().min(0).max(1_000).optional(),
    })
    .refine(({ ports, addresses = [] }) => ports.length + addresses.length > 0, {
      path: ['ports'],
      message: 'expected one at least, or an address',
    }),
  z.object({ do: z.literal('attachConstant'), guest: name, server: name, value: address }),
  z.object({
    ...{ do: z.literal('trace'), guest: name, server: name },
    /** So many of the newest records; default: all there are. */
    last: z.number().int().min(1).optional(),
    /** Records before this sequence are not wanted. */
    from: z.number().int().min(0).max(0xffff_ffff).optional(),
  }),
  z.object({ do: z.literal('closeServer'), guest: name, server: name }),
  z.object({ do: z.literal('closeServers'), guest: name }),
  z.object({
    do: z.literal('execute'),
    guest: name,
    /** Where the message's blobs go in guest memory, one each. */
    writes: z.array(address),
    start: z.array(vcpu).min(1),
    reads: z.array(z.object({ address, length: z.number().int().min(0).max(0x4000000) })),
  }),
  z.object({ do: z.literal('readMemory'), guest: name, address, length: z.number().int().min(0).max(0x4000000) }),
  z.object({ do: z.literal('writeMemory'), guest: name, address }),
  /** Shows the TSC in a page of guest memory until the guest has seen enough of it: src/native/clock.h. */
  z.object({ do: z.literal('showClock'), guest: name, address }),
  /** Operations as they are, for tests of Xen; then programs that are executed reach the servers made thereby. */
  z.object({ do: z.literal('dmOps'), guest: name, steps: z.array(probeStepSchema).max(4096) }),
  /** What has come to those servers since the last time. */
  z.object({ do: z.literal('takeProbed'), guest: name }),
  /** Destroys them. */
  z.object({ do: z.literal('endProbe'), guest: name }),
  /** Makes the server that misbehaves, of which there is one. */
  z.object({
    do: z.literal('startFaults'),
    guest: name,
    ranges: z.array(z.object({ kind: z.enum(['port', 'memory']), start: u64, end: u64 })).max(256),
    buffered: z.enum(['off', 'legacy', 'atomic']).optional(),
    scripts: z.array(faultStepsSchema).max(256),
  }),
  /** Has it do something without a request. */
  z.object({ do: z.literal('makeFaults'), guest: name, vcpu, steps: faultStepsSchema }),
  /** What has come to it since the last time, and what it looked at. */
  z.object({ do: z.literal('takeFaults'), guest: name }),
  /** Destroys it. */
  z.object({ do: z.literal('endFaults'), guest: name }),
] as const;

/** What a guest's device-model process does. */
export const guestRequestSchema = z.discriminatedUnion('do', guestRequests);
export type GuestRequest = z.infer<typeof guestRequestSchema>;

/** Whether a device-model process that dies is replaced; otherwise its guest is destroyed. */
export const surviveSchema = z.object({ do: z.literal('survive'), guest: name, survives: z.boolean() });

/** What the orchestrator asks for. */
export const requestSchema = z.discriminatedUnion('do', [
  z.object({ do: z.literal('hello'), version: z.literal(protocolVersion), run: name }),
  z.object({ do: z.literal('environment') }),
  z.object({ do: z.literal('xenLog') }),
  z.object({
    do: z.literal('createGuest'),
    guest: name,
    environment: environmentSchema,
    vcpus: z.number().int().min(1).max(16),
    memoryMiB: z.number().int().min(16).max(4096),
    /** xl's `cpus`: the host's processors that the guest's vCPUs may run on. */
    cpus: z.string().regex(/^[0-9,-]+$|^all$/),
    /** Absolute path of the workload in dom0. */
    kernel: z.string().startsWith('/'),
    controlPort: port,
    /** As of the request `survive`; default false. */
    survives: z.boolean().optional(),
  }),
  surviveSchema,
  z.object({ do: z.literal('destroyGuest'), guest: name }),
  ...guestRequests,
]);
export type Request = z.infer<typeof requestSchema>;

/** A request as it travels; not yet looked at, so that what is wrong with it can be told to who has sent it. */
export const numberedRequestSchema = z.object({ id: z.number().int().nonnegative(), request: z.unknown() });

/**
 * A request that is one.
 *
 * @throws LabError `REQUEST_INVALID` that names the field: what a scenario asked for comes here as it is
 */
export function parseRequest<T>(schema: z.ZodType<T>, request: unknown): T {
  const parsed = schema.safeParse(request);
  if (parsed.success) return parsed.data;
  const { do: what } = z.object({ do: z.string() }).catch({ do: 'a request' }).parse(request);
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'do'}: ${message}`);
  throw new LabError(`${what} is not possible like this: ${faults.join('; ')}`, {
    blame: 'scenario',
    code: 'REQUEST_INVALID',
  });
}

const errorSchema = z.object({
  blame: z.enum(['usage', 'host', 'guest', 'deviceModel', 'scenario', 'harness']),
  code: z.string(),
  message: z.string(),
  next: z.string().optional(),
});

/** What the agent says unasked. */
export const eventSchema = z.discriminatedUnion('event', [
  /** The domain is gone, or shut down and about to go. `reason`: xl's word for it. */
  z.object({ event: z.literal('guestGone'), guest: name, reason: z.string() }),
  z.object({ event: z.literal('deviceModelGone'), guest: name, how: z.string() }),
  /** A process that has died has a successor, which serves what it served; milliseconds from one to the other. */
  z.object({
    event: z.literal('deviceModelReplaced'),
    guest: name,
    how: z.string(),
    recoveryMs: z.number().int().nonnegative(),
  }),
  z.object({ event: z.literal('handlerThrew'), guest: name, server: name, region: z.string(), message: z.string() }),
  z.object({ event: z.literal('handlerStuck'), guest: name, server: name, region: z.string() }),
  z.object({ event: z.literal('serverFailed'), guest: name, server: name, message: z.string() }),
  z.object({ event: z.literal('log'), level: z.enum(['debug', 'info', 'warn', 'error']), message: z.string() }),
]);
export type AgentEvent = z.infer<typeof eventSchema>;

/** What comes back from the agent. */
export const replySchema = z.union([
  z.object({ id: z.number().int().nonnegative(), ok: z.literal(true), result: z.unknown() }),
  z.object({ id: z.number().int().nonnegative(), ok: z.literal(false), error: errorSchema }),
  eventSchema,
]);

/** The result of `createGuest`. */
export const createGuestResultSchema = z.object({ domid: z.number().int().positive() });

/** The result of `createServer`: Xen's id of it. */
export const createServerResultSchema = z.object({ xenId: z.number().int().min(0) });

/** The result of `attach`: the device's number on its server. */
export const attachResultSchema = z.object({ device: z.number().int().min(0) });

/** The result of `useDevice`: the state, of `snapshot`. */
export const useDeviceResultSchema = z.object({ state: deviceStateSchema.optional() });

/** The result of `closeServers`, and of `closeServer`; the blobs are the traces, in the same order. */
export const closeServersResultSchema = z.object({
  servers: z.array(
    z.object({
      server: name,
      xenId: z.number().int().min(0),
      counters: z
        .object({
          ...{ unclaimed: z.number(), badWidth: z.number(), misaligned: z.number() },
          ...{ malformed: z.number(), undecoded: z.number() },
          ...{ ringDamaged: z.number(), memoryMisses: z.number(), untold: z.number(), collections: z.number() },
        })
        .optional(),
    }),
  ),
});

/** The result of `showClock`. */
export const showClockResultSchema = z.object({
  /** How far dom0's TSC is ahead of the guest's at most. */
  atMost: z.number(),
});

/** The result of `dmOps`, by step. */
export const dmOpsResultSchema = z.object({
  outcomes: z.array(
    z.discriminatedUnion('ok', [
      z.object({ ok: z.literal(true), values: z.array(u64) }),
      z.object({ ok: z.literal(false), errno: z.string() }),
    ]),
  ),
});

/** The result of `takeProbed`. */
export const probedResultSchema = z.object({
  seen: z.array(
    z.object({
      server: z.number().int().min(0).max(7),
      vcpu,
      request: z.object({
        type: z.number().int(),
        addr: u64,
        data: u64,
        size: z.number().int(),
        count: z.number().int(),
        isRead: z.boolean(),
        dataIsPointer: z.boolean(),
        backwards: z.boolean(),
      }),
    }),
  ),
});

/** The result of `takeFaults`. */
export const faultsResultSchema = z.object({
  seen: z.array(
    z.object({
      vcpu,
      request: z.object({ addr: u64, data: u64, size: z.number().int(), isRead: z.boolean() }).optional(),
      states: z.array(u32),
    }),
  ),
});

/** The result of `environment`: what the host is. */
export const hostEnvironmentSchema = z.object({
  xen: z.record(z.string(), z.string()),
  kernel: z.string(),
  os: z.string(),
  node: z.string(),
  cpu: z.string(),
  /** What else can change a figure, by name; what the host does not tell is not there. */
  more: z.record(z.string().max(100), z.string().max(4_000)),
  missing: z.array(z.object({ function: z.string(), library: z.string(), since: z.string() })),
});
export type HostEnvironment = z.infer<typeof hostEnvironmentSchema>;
