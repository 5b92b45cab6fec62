import type { Ioreq } from '../../abi/ioreq-slot.ts';
import { ioreqState, ioreqType } from '../../abi/ioreq.ts';
import { bufferedIoSend } from './buffered-io-send.ts';
import { crashDomain, type Vcpu } from './domain.ts';
import { getIoreq } from './get-ioreq.ts';
import { sendAssistReq } from './send-assist-req.ts';

/** X86EMUL_*: done; to be emulated once more when the answer is there; not possible. */
export type IoResult = 'okay' | 'retry' | 'unhandleable';

/**
 * hvmemul_do_io (hvm/emulate.c), for an access that no handler inside Xen takes: a read waits for its answer and is emulated once
 * more, a write and everything by pointer is done at once.
 *
 * @param isVga the access is one that hvm_buffered_io_intercept passes to the ring first: stdvga's writes
 */
export function doIo(vcpu: Vcpu, request: Ioreq, isVga = false): IoResult {
  const hasResult = request.isRead && !request.dataIsPointer;
  if (vcpu.ioState === 'completed') {
    vcpu.ioState = 'none';
    return hasResult ? 'okay' : 'unhandleable';
  }
  if (vcpu.ioState !== 'none' || isIoPending(vcpu)) return 'unhandleable';
  vcpu.ioState = hasResult ? 'awaitingCompletion' : 'dispatched';
  vcpu.ioSize = request.size;
  if (isVga && bufferedIoSend(vcpu, request)) {
    vcpu.ioState = 'none';
    return 'okay';
  }
  // hvm_has_dm: without an emulator accesses are ignored.
  if (vcpu.domain.ioreqServer === undefined) {
    vcpu.ioState = 'none';
    return 'okay';
  }
  if (!sendAssistReq(vcpu, request)) {
    vcpu.ioState = 'none';
    return 'retry';
  }
  return hasResult ? 'retry' : 'okay';
}

/**
 * handle_pio (hvm/io.c): IN and OUT, which need no second emulation: the answer goes to RAX. That an access is not possible is
 * taken for a bug of the emulation: the domain crashes.
 *
 * @returns false when the instruction has to be tried again
 */
export function handlePio(vcpu: Vcpu, port: number, size: 1 | 2 | 4, isRead: boolean): boolean {
  const data = isRead ? 0n : BigInt.asUintN(size * 8, vcpu.rax);
  const result = doIo(vcpu, {
    ...{ type: ioreqType.pio, addr: BigInt(port), data, count: 1, size },
    ...{ isRead, dataIsPointer: false, backwards: false },
  });
  if (result === 'unhandleable') crashDomain(vcpu.domain, 'Weird HVM ioemulation status 1.');
  if (result !== 'retry') return true;
  if (vcpu.ioState !== 'awaitingCompletion') return false;
  vcpu.ioState = 'pioAwaitingCompletion';
  return true;
}

/** hvm_io_pending. */
export function isIoPending(vcpu: Vcpu): boolean {
  const server = vcpu.domain.ioreqServer;
  return server !== undefined && getIoreq(server, vcpu).state !== ioreqState.none;
}
