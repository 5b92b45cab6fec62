import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildBundle, bundleFiles } from '../../harness/deploy/bundle.ts';
import { runtimeFile } from '../../harness/deploy/runtime.ts';
import { restoreHost } from '../../harness/host/emulated/emulated-host.ts';
import { emulatedGuestCpus } from '../../harness/host/emulated/emulated-lab-host.ts';
import { sshTargetOf } from '../../harness/host/emulated/image-store.ts';
import { ensureImage } from '../../harness/host/emulated/image.ts';
import type { QmpClient } from '../../harness/host/emulated/qmp-client.ts';
import { parseXenVersion } from '../../harness/host/emulated/xen-versions.ts';
import { GuestSession } from '../../harness/host/guest-session.ts';
import { HostSession } from '../../harness/host/host-session.ts';
import { SshConnection } from '../../harness/host/ssh/ssh-connection.ts';
import { repository } from '../../harness/repository.ts';
import { readSymbols } from './symbols.ts';
import { medianTrip, readTripsOf, toStory, toTable } from './trips.ts';

/*
 * Where the instructions of one round trip go. See README.md.
 *
 *   node --import tsx infra/profile/profile.ts [XEN-VERSION [RUNG...]]
 */

/** As in scenarios/performance/ladder.scenario.ts. */
const rungs = {
  'ts-spin': { server: 'ts', port: 0x5000, spin: 200_000 },
  ts: { server: 'ts', port: 0x5000, spin: 0 },
  'c-spin': { server: 'c', port: 0x5100, spin: 200_000 },
  c: { server: 'c', port: 0x5100, spin: 0 },
  qemu: { server: undefined, port: 0x64, spin: 0 },
} as const;
type Rung = keyof typeof rungs;

/** Some 100 bytes for each instruction. */
const logBytes = 60 * 1024 * 1024;
/** Functions of each side in the table. */
const mostFunctions = 25;

const note = (text: string): void => void process.stderr.write(`${text}\n`);

/** Lets QEMU log single instructions until there is enough. They are the same ones as without. */
async function log(qmp: QmpClient, file: string): Promise<void> {
  const command = async (line: string): Promise<unknown> =>
    await qmp.execute('human-monitor-command', { 'command-line': line });
  rmSync(file, { force: true });
  await command(`logfile ${file}`);
  await command('singlestep on');
  await command('log exec,nochain');
  do await sleep(50);
  while (statSync(file).size < logBytes);
  await command('log none');
  await command('singlestep off');
}

async function climb(guest: GuestSession, rung: Rung, qmp: QmpClient, file: string): Promise<void> {
  const { server, port, spin } = rungs[rung];
  if (server === 'ts') await guest.attach(server, 'scratch', { initial: 0x5a }, { register: port });
  if (server === 'c') await guest.attachReference(server, [port]);
  const sample = async (warmup: number, count: number): Promise<Uint32Array> => {
    const { results } = await guest.run((program) => program.sample({ warmup, count }, (op) => op.in(port, 1)));
    return results[0]?.samples ?? new Uint32Array();
  };
  if (server === 'ts') {
    await guest.setWaiting(server, { mode: 'spin', cycles: 200_000 });
    await sample(5_000, 5_000); // JavaScript's compiler
  }
  if (server !== undefined)
    await guest.setWaiting(server, spin === 0 ? { mode: 'block' } : { mode: 'spin', cycles: spin });
  const samples = (await sample(300, 3_000)).toSorted();
  note(`${rung}: ${samples[samples.length >> 1]} instructions between the time stamps`);
  const running = sample(0, 40_000);
  await sleep(1_500);
  await log(qmp, file);
  await running;
}

async function main(): Promise<void> {
  const [version = '4.20', ...names] = process.argv.slice(2);
  const xen = parseXenVersion(version);
  const wanted = (names.length === 0 ? ['ts-spin', 'c-spin'] : names).map((name) => {
    if (!Object.hasOwn(rungs, name)) throw new TypeError(`rungs are ${Object.keys(rungs).join(', ')}`);
    return name as Rung;
  });
  const directory = join(repository, 'build/profile', version);
  mkdirSync(directory, { recursive: true });
  const signal = AbortSignal.timeout(900_000);
  const image = await ensureImage({ xen, timing: 'exact', note, signal });
  const bundle = await buildBundle([join(repository, 'scenarios')]);
  for (const rung of wanted) {
    // A machine for each, so that none pays for another's servers.
    const serial = { log: join(directory, 'serial.log') };
    const { qemu, port } = await restoreHost({ image, serial, sshPort: 0, signal });
    await using _machine = qemu;
    const target = sshTargetOf(image, port);
    await using session = await HostSession.open({
      target,
      bundle,
      run: 'profile',
      guestCpus: emulatedGuestCpus,
      signal,
    });
    await using ssh = await SshConnection.open(target, signal);
    const guest = new GuestSession(session.agent, await session.guests.acquire('hvm'));
    const { server } = rungs[rung];
    await guest.createServer(server ?? 'idle');
    const file = join(directory, `${rung}.log`);
    await climb(guest, rung, qemu.qmp, file);
    const { stdout: pids } = await ssh.run(['pgrep', '-f', bundleFiles.deviceModel]);
    const known = { node: runtimeFile, [bundleFiles.addon]: join(repository, 'build/native/ioreq.node') };
    const symbols = await readSymbols(ssh, Number(pids.trim().split('\n').at(-1)), known, directory);
    const trips = await readTripsOf(file, symbols);
    const trip = medianTrip(trips);
    const table = `${rung} on Xen ${version}: ${trip.length} instructions, the median of ${trips.length} round trips\n${toTable(trip, mostFunctions)}\n`;
    process.stdout.write(`\n${table}`);
    writeFileSync(join(directory, `${rung}.txt`), `${table}\n${toStory(trip)}\n`);
  }
  note(`in order: ${directory}/*.txt`);
}

await main();
