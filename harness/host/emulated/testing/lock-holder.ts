// Holds the lock of the file that is named, says so, and waits to be killed.
import { holdLock } from '../file-lock.ts';

await holdLock(process.argv[2] ?? '', { onWait: () => process.stdout.write('waiting\n') });
process.stdout.write('held\n');
setInterval(() => undefined, 1_000);
