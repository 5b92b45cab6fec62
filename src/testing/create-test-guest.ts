import { LabError } from '../errors.ts';
import { TestGuest } from './test-guest.ts';

/** What a test guest is to be like. All of it has a default. */
export interface TestGuestOptions {
  /** The version of Xen that the model behaves like; default 4.20. */
  readonly xen?: '4.14' | '4.17' | '4.20';
  /** `pvh` (the default): our servers alone; `hvm`: QEMU has a server too, and Xen's VGA is there. */
  readonly environment?: 'hvm' | 'pvh';
  /** Default 1, at most 128. */
  readonly vcpus?: number;
  /** RAM from address 0 on; everything above is free for devices. Default 16. */
  readonly memoryMiB?: number;
}

/**
 * Makes a guest without Xen, machine or privileges: accesses go through the model of Xen to the devices that are attached,
 * which run in the library as in dom0, in this thread. An access comes back when it is answered, after microseconds.
 *
 * There is no watchdog, since there is no second thread: a handler that never returns hangs the test.
 *
 * @example
 * ```ts
 * import { strict as assert } from 'node:assert';
 * import { defineDevice, port } from 'ioreqlab/device';
 * import { createTestGuest } from 'ioreqlab/testing';
 *
 * const latch = defineDevice({
 *   name: 'example-latch',
 *   regions: { byte: port({ size: 1 }) },
 *   create() {
 *     let value = 0;
 *     return { byte: { read: () => value, write: (_offset, _size, next) => void (value = next) } };
 *   },
 * });
 *
 * await using guest = await createTestGuest();
 * await guest.attach(latch, { at: { byte: 0x5000 } });
 * guest.out(0x5000, 1, 0x5a);
 * assert.equal(guest.in(0x5000, 1), 0x5a);
 * assert.equal(guest.in(0x5001, 1), 0xff); // nobody's port
 * ```
 *
 * @throws LabError `TEST_GUEST_INVALID` for options that no guest can have
 */
export async function createTestGuest({
  xen = '4.20',
  environment = 'pvh',
  vcpus = 1,
  memoryMiB = 16,
}: TestGuestOptions = {}): Promise<TestGuest> {
  check('vcpus', vcpus, 128);
  check('memoryMiB', memoryMiB, 2048);
  return new TestGuest({ xen, environment, vcpus, memoryMiB });
}

function check(option: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new LabError(`a test guest with ${option} ${value}: expected 1 to ${most}`, {
    blame: 'usage',
    code: 'TEST_GUEST_INVALID',
  });
}
