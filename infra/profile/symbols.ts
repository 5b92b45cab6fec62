import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SshConnection } from '../../harness/host/ssh/ssh-connection.ts';

/** Names of addresses; each name reaches to the next one's. */
export class SymbolTable {
  readonly #starts: bigint[];
  readonly #names: string[];

  /** @param text lines `address kind name`, as kallsyms, xensyms and nm print them; data are left out */
  constructor(text: string) {
    const found = [...text.matchAll(/^([0-9a-f]+) ([a-zA-Z]) ([^\t\n]+)/gm)]
      .filter(([, , kind = '']) => !'aAbBdDrR'.includes(kind))
      .map(([, address = '', , name = '']) => ({ start: BigInt(`0x${address}`), name }))
      .sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
    this.#starts = found.map(({ start }) => start);
    this.#names = found.map(({ name }) => name);
  }

  at(address: bigint): string {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] ?? 0n) <= address) low = middle + 1;
      else high = middle;
    }
    return this.#names[low - 1] ?? `0x${address.toString(16)}`;
  }
}

/** Whose code it is, and which function. */
export interface Place {
  readonly side: string;
  readonly name: string;
}

interface Mapping {
  readonly start: bigint;
  readonly end: bigint;
  readonly side: string;
  /** What `symbols` start from. */
  readonly base: bigint;
  readonly symbols: SymbolTable | undefined;
}

/** The executable mappings of a process, /proc/PID/maps. */
export class ProcessSymbols {
  readonly #mappings: readonly Mapping[];

  /** @param tables by file name, for those files whose symbols are known */
  constructor(maps: string, tables: ReadonlyMap<string, SymbolTable>) {
    const lines = maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) ..x. ([0-9a-f]+) \S+ \d+ *(.*)$/gm);
    this.#mappings = [...lines].map(([, from = '', to = '', offset = '', file = '']) => {
      const start = BigInt(`0x${from}`);
      const name = file.replace(/.*\//, '');
      return {
        start,
        end: BigInt(`0x${to}`),
        side: name || 'compiled JavaScript',
        // Node is no shared object: its symbols are where it is.
        base: name === 'node' ? 0n : start - BigInt(`0x${offset}`),
        symbols: tables.get(name),
      };
    });
  }

  /** Undefined when the process has no code there. */
  at(address: bigint): Place | undefined {
    const found = this.#mappings.find(({ start, end }) => start <= address && address < end);
    if (found === undefined) return undefined;
    const { side, base, symbols } = found;
    return { side, name: symbols?.at(address - base) ?? '' };
  }
}

/** All that is needed to name the instructions of a host. */
export interface HostSymbols {
  readonly xen: SymbolTable;
  readonly kernel: SymbolTable;
  readonly process: ProcessSymbols;
}

/**
 * Reads the symbols of a host and of one of its processes.
 *
 * @param known files of the process whose symbols this machine has, by name
 * @param directory for copies of the libraries that it has not
 */
export async function readSymbols(
  ssh: SshConnection,
  pid: number,
  known: Readonly<Record<string, string>>,
  directory: string,
): Promise<HostSymbols> {
  const read = async (...words: string[]): Promise<string> => (await ssh.run(words)).stdout;
  // Xen gives its symbols to dom0 (XENPF_get_symbol), and Linux shows them in xenfs.
  await ssh.run(['sh', '-c', 'test -e /proc/xen/xensyms || mount -t xenfs xenfs /proc/xen']);
  const [xen, kernel, maps] = [
    await read('cat', '/proc/xen/xensyms'),
    await read('cat', '/proc/kallsyms'),
    await read('cat', `/proc/${pid}/maps`),
  ];
  const tables = new Map<string, SymbolTable>();
  for (const [name, file] of Object.entries(known)) tables.set(name, nm(file));
  for (const [, path = '', name = ''] of maps.matchAll(/ ..x. .* (\/\S*\/(lib(?:xen|c[.-]|pthread)\S+))$/gm)) {
    const copy = join(directory, name);
    writeFileSync(copy, Buffer.from(await read('base64', '-w0', path), 'base64'));
    tables.set(name, nm('-D', copy));
  }
  return { xen: new SymbolTable(xen), kernel: new SymbolTable(kernel), process: new ProcessSymbols(maps, tables) };
}

function nm(...words: string[]): SymbolTable {
  return new SymbolTable(execFileSync('nm', ['-C', ...words], { encoding: 'utf8', maxBuffer: 1 << 28 }));
}
