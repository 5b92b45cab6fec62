// Holds the lock of the file that is named, says so, and waits to be killed.
import { holdLock } from '../file-lock.ts';

await holdLock(process.argv[2] ?? '', { onWait: () => console.log('waiting') });
console.log('held');
setInterval(() => undefined, 1_000);
