// Starts a process, prints its id, and waits to be killed.
import { SpawnedProcess } from '../spawned-process.ts';

const sleeper = await SpawnedProcess.start('sleep', ['1000']);
console.log(`pid ${sleeper.pid}`);
await sleeper.exited;
