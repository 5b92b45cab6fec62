import type { Device, RegionHandler } from '../../../../src/device/index.ts';
import type { Seams, Send } from '../../../../src/model/in-process/seams.ts';
import type { EventChannels, XenSide } from '../../../../src/model/in-process/xen-side.ts';

/** The object with some of its members replaced; the others work on the object itself. */
function override<T extends object>(target: T, changes: Partial<T>): T {
  return new Proxy(target, {
    get: (_target, name) => {
      const value: unknown = Reflect.get(Object.hasOwn(changes, name) ? changes : target, name, target);
      return typeof value === 'function' ? (value as (...words: unknown[]) => unknown).bind(target) : value;
    },
  });
}

const onSend = (send: (send: Send) => Send): Seams => ({ send });

/** An answer with another value. */
const onData = (change: (data: bigint, size: number) => bigint): Seams =>
  onSend((send) => (vcpu, request) => {
    const answer = send(vcpu, request);
    return typeof answer === 'string' ? answer : { ...answer, data: change(answer.data, request.size) };
  });

const onXen = (change: (side: XenSide) => Partial<XenSide>): Seams => ({
  xen: (side) => override(side, change(side)),
});

const onChannels = (change: (channels: EventChannels) => Partial<EventChannels>): Seams =>
  onXen((side) => ({
    openChannels: () => {
      const channels = side.openChannels();
      return override(channels, change(channels));
    },
  }));

/** Devices with other handlers. */
const onHandlers = (change: (handler: RegionHandler) => RegionHandler): Seams => ({
  device: (device) => ({
    ...device,
    create: (...words: Parameters<Device['create']>) =>
      Object.fromEntries(
        Object.entries(device.create(...words)).map(([name, handler]) => [name, change(handler as RegionHandler)]),
      ),
  }),
});

/** Obvious ways in which Xen, or the library between it and devices, can be wrong. */
export const breakages: Readonly<Record<string, Seams>> = {
  'reads lose their upper half': onData((data, size) => (size === 8 ? data & 0xffff_ffffn : data)),
  'reads are one too high': onData((data) => data + 1n),
  'directions are ignored': onSend((send) => (vcpu, request) => send(vcpu, { ...request, backwards: false })),
  'the last repetition is lost': onSend(
    (send) => (vcpu, request) => send(vcpu, { ...request, count: Math.max(1, request.count - 1) }),
  ),
  'all requests come from vCPU 0': onSend((send) => (_vcpu, request) => send(0, request)),
  'accesses are made twice': onSend((send) => (vcpu, request) => {
    send(vcpu, request);
    return send(vcpu, request);
  }),
  'addresses are one too low': onSend(
    (send) => (vcpu, request) => send(vcpu, { ...request, address: request.address - 1n }),
  ),
  'ranges are one too long': onXen((side) => ({
    mapIoRange: (id, kind, start, end) => side.mapIoRange(id, kind, start, end + 1),
  })),
  'ranges are never refused': onXen((side) => ({
    mapIoRange: (...words) => {
      try {
        side.mapIoRange(...words);
      } catch {
        // and nobody knows
      }
    },
  })),
  'servers are not destroyed': onXen(() => ({ destroyIoreqServer: () => undefined })),
  'servers are not disabled': onXen((side) => ({
    setIoreqServerState: (id, enabled) => void (enabled && side.setIoreqServerState(id, enabled)),
    destroyIoreqServer: () => undefined,
  })),
  'answers are not notified': onChannels(() => ({ notify: () => undefined })),
  'guest memory is a copy': onXen((side) => ({ frame: (gfn) => side.frame(gfn)?.slice(0) })),
  'handlers are told the wrong offset': onHandlers(({ read, write }) => ({
    ...(read && { read: (offset, size) => read(offset ^ 1, size) }),
    ...(write && { write: (offset, size, value) => write(offset ^ 1, size, value) }),
  })),
  'handlers do not hear of writes': onHandlers(({ read }) => ({ ...(read && { read }) })),
  'handlers that throw are silenced': onHandlers(({ read, write }) => ({
    ...(write && { write }),
    ...(read && {
      read: (offset, size) => {
        try {
          return read(offset, size);
        } catch {
          return 0;
        }
      },
    }),
  })),
};
