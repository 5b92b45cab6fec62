import { ioreqType } from '../../src/abi/ioreq.ts';
import type { DeviceMemory, KnownDevices } from '../../src/model/oracle/check-trace.ts';
import { toBytes, toValue } from '../../src/model/oracle/bytes.ts';
import type { IoRequest } from '../../src/model/oracle/world.ts';
import * as z from 'zod';
import { LabError } from '../../src/errors.ts';
import type { RecipeStep } from '../replay/recipe.ts';
import { pciRegisters, type DevicePart } from './layout.ts';

/** The name of the device in fuzz.device.ts. */
export const fuzzDevice = 'ioreqlab-fuzz';

const optionsSchema = z.object({
  parts: z
    .array(
      z.object({
        space: z.enum(['port', 'memory', 'pci']),
        size: z.number().int().min(1).max(0x10_0000),
        key: z.number().int().min(0).max(0xffff_ffff),
        behaviour: z.enum(['bytes', 'stream']),
        vcpu: z.number().int().min(0).max(15),
      }),
    )
    .max(256),
});

/** @throws LabError `DEVICE_OPTIONS_INVALID` for options that are not the fuzz device's */
export function partsOfAttach({ server, options, at }: Extract<RecipeStep, { do: 'attach' }>): DevicePart[] {
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) {
    throw new LabError(`${fuzzDevice} is not made like this: ${parsed.error.message}`, {
      ...{ blame: 'scenario', code: 'DEVICE_OPTIONS_INVALID' },
    });
  }
  return parsed.data.parts.map((part, i) => ({ ...part, server, at: at[`r${i}`] ?? 0 }));
}

/** The step that attaches the parts of a server. */
export function attachOfParts(server: string, parts: readonly DevicePart[]): Extract<RecipeStep, { do: 'attach' }> {
  return {
    ...{ do: 'attach', server, device: fuzzDevice },
    options: {
      parts: parts.map(({ space, size, key, behaviour, vcpu }) => ({ space, size, key, behaviour, vcpu })),
    },
    at: Object.fromEntries(parts.map(({ at }, i) => [`r${i}`, at])),
  };
}

const all32 = 0xffff_ffffn;
const all64 = 0xffff_ffff_ffff_ffffn;

/** `mix` of fuzz.device.ts, written anew: both would have to be wrong in the same way. */
function mix(value: bigint): bigint {
  let h = ((value ^ (value >> 16n)) * 0x85eb_ca6bn) & all32;
  h = ((h ^ (h >> 13n)) * 0xc2b2_ae35n) & all32;
  return h ^ (h >> 16n);
}

/** A region with its state. */
class Part {
  readonly space: DevicePart['space'];
  readonly start: bigint;
  readonly end: bigint;
  readonly #bytes: Uint8Array | undefined;
  #state: bigint;

  constructor({ space, at, size, key, behaviour }: DevicePart) {
    this.space = space;
    this.start = space === 'pci' ? (BigInt(at) << 32n) + BigInt(pciRegisters.offset) : BigInt(at);
    this.end = this.start + BigInt(size) - 1n;
    this.#state = BigInt(key);
    if (behaviour !== 'bytes') return;
    this.#bytes = Uint8Array.from({ length: size }, (_, i) => Number(mix(BigInt(key + i) & all32) & 0xffn));
  }

  read(address: bigint, size: number): bigint {
    const offset = address - this.start;
    if (this.#bytes !== undefined) return toValue(this.#bytes, Number(offset), size);
    if (size < 8) return this.#next(offset, size) & ((1n << BigInt(8 * size)) - 1n);
    const low = this.#next(offset, size);
    return low | (this.#next(offset + 4n, size) << 32n);
  }

  write(address: bigint, size: number, value: bigint): void {
    const offset = address - this.start;
    if (this.#bytes !== undefined) this.#bytes.set(toBytes(value, size), Number(offset));
    else if (size < 8) this.#take(offset, size, value);
    else {
      this.#take(offset, size, value & all32);
      this.#take(offset + 4n, size, value >> 32n);
    }
  }

  #next(offset: bigint, size: number): bigint {
    return (this.#state = mix((this.#state + offset * 16n + BigInt(size)) & all32));
  }

  #take(offset: bigint, size: number, value: bigint): void {
    this.#state = mix(this.#next(offset, size) ^ value);
  }
}

const spaceOf = (type: IoRequest['type']): DevicePart['space'] =>
  type === ioreqType.pio ? 'port' : type === ioreqType.pciConfig ? 'pci' : 'memory';

/**
 * What the devices of fuzz.device.ts answer, from their state after a reset on. An element goes to the region that has all
 * of it; where there is none it reads all ones and writes nothing (`Dispatcher` of src/server).
 */
export class KnownParts implements KnownDevices {
  readonly #servers = new Map<string, Part[]>();

  constructor(parts: readonly DevicePart[]) {
    this.add(parts);
  }

  /** Takes note of more, in their first state. */
  add(parts: readonly DevicePart[]): void {
    for (const part of parts) {
      const known = this.#servers.get(part.server) ?? [];
      known.push(new Part(part));
      this.#servers.set(part.server, known);
    }
  }

  serve(server: string, request: IoRequest, memory: DeviceMemory): bigint | undefined {
    const { type, isRead, dataIsPointer, backwards, size, count, address, data } = request;
    const step = BigInt(backwards ? -size : size);
    const addressStep = type === ioreqType.copy ? step : 0n;
    let answer: bigint | undefined;
    for (let i = 0n; i < count; i++) {
      const at = address + i * addressStep;
      const part = this.#find(server, spaceOf(type), at, size);
      // The rest of a configuration space is not the device's.
      if (part === undefined && type === ioreqType.pciConfig) return undefined;
      const pointer = data + i * step;
      if (isRead) {
        const value = part?.read(at, size) ?? BigInt.asUintN(8 * size, all64);
        if (dataIsPointer) memory.write(pointer, toBytes(value, size));
        else answer = value;
      } else
        part?.write(at, size, dataIsPointer ? toValue(memory.read(pointer, size)) : BigInt.asUintN(8 * size, data));
    }
    return answer;
  }

  #find(server: string, space: Part['space'], address: bigint, size: number): Part | undefined {
    return this.#servers
      .get(server)
      ?.find((part) => part.space === space && part.start <= address && address + BigInt(size) - 1n <= part.end);
  }
}
