// Starts a process, prints its id, and waits to be killed.
import { SpawnedProcess } from '../spawned-process.ts';

const sleeper = await SpawnedProcess.start('sleep', ['1000']);
process.stdout.write(`pid ${sleeper.pid}\n`);
await sleeper.exited;
