import type { DeviceState } from '../server/attach-device.ts';
import type { DeviceAbility } from '../server/server-worker.ts';
import type { Device, PlaceOf, Regions } from './define-device.ts';
import { stockDevices, type OptionsOf, type RegionsOf, type StockDevices } from './devices/index.ts';
import { parsePciAddress } from './pci/address.ts';

/** How a device is put in place. */
export interface AttachOptions<R extends Regions, O> {
  /** Port, guest-physical address or PCI address (`'00:05.0'`) of each region. */
  readonly at: { readonly [K in keyof R]: PlaceOf<R[K]> };
  /** For the device's `create`; what JSON can hold. Default `{}`. */
  readonly options?: O;
  /**
   * The ioreq server that owns it; made when it is first named. Default `main`. An HVM guest has room for six, since QEMU and
   * the control port have one each; a PVH guest for seven.
   */
  readonly server?: string;
}

/** A device on a server. */
export interface Attached {
  /** Back to the state in which it was made. @throws LabError `ABILITY_MISSING` */
  reset(): Promise<void>;
  /** The state of the device and of its PCI functions. @throws LabError `ABILITY_MISSING` */
  snapshot(): Promise<DeviceState>;
  /** Takes over a state that the same kind of device gave. @throws LabError `ABILITY_MISSING` */
  restore(state: DeviceState): Promise<void>;
}

/** Puts a device in place, or a stock device by its name in `stockDevices` of `ioreqlab/device`. */
export interface Attach {
  <R extends Regions, O>(device: Device<R, O>, how: AttachOptions<R, O>): Promise<Attached>;
  <N extends keyof StockDevices>(
    name: N,
    how: AttachOptions<RegionsOf<StockDevices[N]>, OptionsOf<StockDevices[N]>>,
  ): Promise<Attached>;
}

/** What knows the servers, by their names. */
export interface Attacher {
  /** Returns the device's number on the server. @param at as numbers: a PCI function's SBDF */
  attach(server: string, device: Device, options: unknown, at: Readonly<Record<string, number>>): Promise<number>;
  /** @returns what `snapshot` gave */
  use(server: string, device: number, ability: DeviceAbility, state?: DeviceState): Promise<DeviceState | undefined>;
}

/** The server of devices that name none. */
export const defaultServer = 'main';

/** An {@link Attach} over what knows the servers. */
export function attachWith(attacher: Attacher): Attach {
  return async (
    device: Device | keyof StockDevices,
    { at, options = {}, server = defaultServer }: AttachOptions<Regions, unknown>,
  ): Promise<Attached> => {
    const places: Record<string, number> = {};
    for (const [region, place] of Object.entries(at)) {
      places[region] = typeof place === 'string' ? parsePciAddress(place) : place;
    }
    const known: Device = typeof device === 'string' ? stockDevices[device] : device;
    const number = await attacher.attach(server, known, options, places);
    return {
      reset: async () => void (await attacher.use(server, number, 'reset')),
      snapshot: async () => {
        const state = await attacher.use(server, number, 'snapshot');
        if (state === undefined) throw new Error('a snapshot without a state');
        return state;
      },
      restore: async (state) => void (await attacher.use(server, number, 'restore', state)),
    };
  };
}
