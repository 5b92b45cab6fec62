import { LabError } from '../errors.ts';

/** What the instances of one device have in common, by name. */
export type SharedMemory = Readonly<Record<string, SharedArrayBuffer>>;

/** The memory behind `shared` of a DeviceContext: the first instance makes it, all others find it. */
export class SharedState {
  readonly #given: SharedMemory | undefined;
  readonly #made: Record<string, SharedArrayBuffer> = {};

  /** @param given what the first instance has made; undefined for the first */
  constructor(given: SharedMemory | undefined) {
    this.#given = given;
  }

  /** What this instance has asked for. */
  get memory(): SharedMemory {
    return this.#made;
  }

  /** @throws LabError `SHARED_STATE_DIFFERS` for a name or a size that the first instance did not have */
  get(name: string, bytes: number): SharedArrayBuffer {
    const own = Object.hasOwn(this.#made, name) ? this.#made[name] : undefined;
    const known =
      own ?? (this.#given !== undefined && Object.hasOwn(this.#given, name) ? this.#given[name] : undefined);
    if (known === undefined ? this.#given !== undefined : known.byteLength !== bytes) {
      throw new LabError(
        `${name}: ${bytes} bytes of shared memory, but another instance had ${known?.byteLength ?? 'none'}`,
        { blame: 'scenario', code: 'SHARED_STATE_DIFFERS', next: 'ask for the same memory in each call of create' },
      );
    }
    return (this.#made[name] = known ?? new SharedArrayBuffer(bytes));
  }
}
