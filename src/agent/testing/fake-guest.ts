import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { runDeviceModel } from '../device-model-main.ts';

/** What the process prints on stdout when it ends. */
export interface LastWords {
  /** `struct fake_held` of src/native/fake/fake_xen.h: handles, servers, pages, frames, ports. */
  readonly held: readonly number[];
  readonly shutdowns: number;
}

/** The part of the fake Xen's controls that is needed here: src/native/fake/fake-xen.ts. */
interface Controls {
  failNext(name: string, errno: number, times: number): void;
  calls(name: string): number;
  held(): ArrayBuffer;
  access(server: number, vcpu: number, slot: Uint8Array): Promise<ArrayBuffer>;
  memory(): ArrayBuffer;
}

/** A direct read of four bytes of a port. */
function readOf(port: number): Uint8Array {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, port, true);
  view.setUint32(16, 1, true);
  view.setUint32(20, 4, true);
  bytes[30] = 0x20;
  return bytes;
}

/**
 * A vCPU that asks the control server (Xen's id 0) for work. Its program is a port, in the frame of its number; it reads
 * the port from server 1 and leaves the value behind it. It ends when nobody answers any more.
 */
async function runVcpu(controls: Controls, vcpu: number, controlPort: number): Promise<void> {
  const memory = new DataView(controls.memory());
  for (;;) {
    const answer = new DataView(await controls.access(0, vcpu, readOf(controlPort))).getUint32(8, true);
    if (answer !== 1) continue;
    const seen = await controls.access(1, vcpu, readOf(memory.getUint32(vcpu * 4096, true)));
    memory.setUint32(vcpu * 4096 + 4, new DataView(seen).getUint32(8, true), true);
  }
}

/**
 * The entry of a test's device-model process: on the fake Xen, with guests of two vCPUs. The environment says what fails
 * (`FAKE_FAILS` from the start, `FAKE_FAILS_LATE` from SIGTERM on: names of functions, separated by commas).
 */
export function start(): void {
  const fake = createRequire(import.meta.url)(process.env['FAKE_XEN'] ?? '') as Controls;
  if (isMainThread) {
    const fail = (names = ''): void => {
      for (const name of names.split(',').filter((word) => word !== '')) fake.failNext(name, 3, 1);
    };
    fail(process.env['FAKE_FAILS']);
    process.on('SIGTERM', () => fail(process.env['FAKE_FAILS_LATE']));
    process.on('SIGUSR2', () => {
      throw new Error('a bug');
    });
    process.on('message', (message: object) => {
      if ('setup' in message) {
        for (const vcpu of [0, 1]) {
          setImmediate(() => void runVcpu(fake, vcpu, 0xe0).catch(() => undefined));
        }
      }
    });
    process.on('exit', () => {
      const shutdowns = fake.calls('xendevicemodel_shutdown');
      const held = [...new Uint32Array(fake.held())];
      writeSync(1, JSON.stringify({ held, shutdowns } satisfies LastWords));
    });
  }
  runDeviceModel();
}
