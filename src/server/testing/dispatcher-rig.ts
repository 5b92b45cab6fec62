import { ioreqType, requestBit } from '../../abi/ioreq.ts';
import type { AccessSize, RegionHandler } from '../../device/region.ts';
import { Dispatcher } from '../dispatcher.ts';
import { GuestMemory } from '../guest-memory.ts';
import { word } from '../request.ts';
import { FakeMemory } from './fake-memory.ts';

/** A request for {@link Rig.dispatch}; by default a read of one word of a port. */
export interface Access {
  readonly type?: number;
  readonly write?: number | bigint;
  readonly pointer?: number;
  readonly backwards?: boolean;
  readonly size?: number;
  readonly count?: number;
}

/** A dispatcher over 16 frames of memory. */
export class Rig {
  readonly words = new Uint32Array(16);
  readonly ram = new FakeMemory(16);
  readonly guestMemory = new GuestMemory(this.ram);
  readonly dispatcher = new Dispatcher(this.words, this.guestMemory);

  /** What the slot is answered with. */
  dispatch(address: number, access: Access = {}): bigint {
    const { words } = this;
    const data = BigInt(access.pointer ?? access.write ?? 0);
    const isRead = access.write === undefined;
    words.fill(0xffff_ffff, word.answerLow, word.answerHigh + 1);
    words[word.type] = access.type ?? ioreqType.pio;
    words[word.bits] =
      (isRead ? requestBit.read : 0) |
      (access.pointer === undefined ? 0 : requestBit.dataIsPointer) |
      (access.backwards === true ? requestBit.backwards : 0);
    words[word.size] = access.size ?? 4;
    words[word.count] = access.count ?? 1;
    words[word.addrLow] = address % 0x1_0000_0000;
    words[word.addrHigh] = Math.floor(address / 0x1_0000_0000);
    words[word.dataLow] = Number(data & 0xffff_ffffn);
    words[word.dataHigh] = Number(data >> 32n);
    this.dispatcher.dispatch();
    return (BigInt(words[word.answerHigh] as number) << 32n) | BigInt(words[word.answerLow] as number);
  }
}

/** A handler that keeps what it was called with, and reads `base` plus the offset. */
export function recorder(base = 0): RegionHandler & { readonly calls: (readonly [string, ...number[]])[] } {
  const calls: [string, ...number[]][] = [];
  return {
    calls,
    read: (offset: number, size: AccessSize) => {
      calls.push(['read', offset, size]);
      return base + offset;
    },
    write: (offset: number, size: AccessSize, value: number) => void calls.push(['write', offset, size, value]),
  };
}
