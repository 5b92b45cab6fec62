import type { IoreqSlot } from '../../abi/ioreq-slot.ts';
import { ioreqState } from '../../abi/ioreq.ts';
import { endShutdownDeferral, type Vcpu } from './domain.ts';

/**
 * hvm_io_assist (hvm/io.c): takes an answer. The slot is free again; a port read ends in RAX, another read is kept for the
 * instruction's second emulation; of a write nothing is wanted. Nothing but `data` is read, and a deferred shutdown comes now.
 */
export function ioAssist(vcpu: Vcpu, slot: IoreqSlot): void {
  slot.state = ioreqState.none;
  const { ioState } = vcpu;
  vcpu.ioState = 'none';
  if (ioState === 'awaitingCompletion') {
    vcpu.ioState = 'completed';
    vcpu.ioData = slot.data;
  } else if (ioState === 'pioAwaitingCompletion') vcpu.rax = mergeRax(vcpu.rax, slot.data, vcpu.ioSize);
  endShutdownDeferral(vcpu);
}

/** Four bytes are zero-extended; one or two leave the rest. */
function mergeRax(rax: bigint, data: bigint, size: number): bigint {
  const bits = size * 8;
  const value = BigInt.asUintN(bits, data);
  return size === 4 ? value : ((rax >> BigInt(bits)) << BigInt(bits)) | value;
}
