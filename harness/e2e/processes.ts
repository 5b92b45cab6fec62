import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { startTimeOf } from '../host/emulated/process-identity.ts';

/** A process of this machine. Ids are used again: the start tells one process from the next. */
export interface SeenProcess {
  readonly pid: number;
  readonly startTime: string;
  readonly command: string;
}

/** All processes below one, however deep, but those that a process which has ended left to init. */
export async function descendantsOf(pid: number): Promise<SeenProcess[]> {
  const all = await Promise.all((await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(look));
  const found: SeenProcess[] = [];
  const parents = new Set([pid]);
  for (let isNew = true; isNew;) {
    isNew = false;
    for (const one of all) {
      if (one === undefined || parents.has(one.pid) || !parents.has(one.parent)) continue;
      parents.add(one.pid);
      found.push({ pid: one.pid, startTime: one.startTime, command: one.command });
      isNew = true;
    }
  }
  return found;
}

/** The QEMUs that a process has started. */
export async function qemusOf(pid: number): Promise<SeenProcess[]> {
  return (await descendantsOf(pid)).filter(({ command }) => command.startsWith('qemu-system'));
}

/** Those of them that still run. */
export async function stillRunning(processes: readonly SeenProcess[]): Promise<SeenProcess[]> {
  const now = await Promise.all(processes.map(async ({ pid }) => await startTimeOf(pid)));
  return processes.filter(({ startTime }, i) => now[i] === startTime);
}

/** The TCP port that a process listens on: proc(5), /proc/net/tcp. */
export async function listeningPortOf({ pid }: SeenProcess): Promise<number> {
  const directory = `/proc/${pid}/fd`;
  const links = await Promise.all(
    (await readdir(directory)).map(async (fd) => await readlink(join(directory, fd)).catch(() => '')),
  );
  for (const line of (await readFile('/proc/net/tcp', 'utf8')).trim().split('\n').slice(1)) {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/ +/);
    if (state === '0A' && links.includes(`socket:[${inode}]`)) return Number.parseInt(local.split(':')[1] ?? '', 16);
  }
  throw new Error(`process ${pid} listens on no port`);
}

/** The words of a process's command line. */
export async function wordsOf({ pid }: SeenProcess): Promise<string[]> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
}

async function look(name: string): Promise<(SeenProcess & { readonly parent: number }) | undefined> {
  const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  // proc_pid_stat(5): the second field is a name in parentheses that may hold anything.
  const command = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { pid: Number(name), parent: Number(fields[1]), startTime: fields[19] ?? '', command };
}
