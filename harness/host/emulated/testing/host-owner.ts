// Starts an emulated host, prints QEMU's process id, and waits to be killed.
import { startEmulatedHost } from '../emulated-host.ts';
import { ensureImage } from '../image.ts';
import { defaultXenVersion } from '../xen-versions.ts';

const image = await ensureImage({ xen: defaultXenVersion });
const host = await startEmulatedHost({ image, serialLog: process.argv[2] ?? '/dev/null' });
process.stdout.write(`pid ${host.pid}\n`);
await host.exited;
