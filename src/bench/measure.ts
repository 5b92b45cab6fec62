import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { LabError } from '../errors.ts';

/** How much is measured. */
export interface Amount {
  /** Of each server, in each mode. */
  readonly rounds: number;
  /** Of each round. */
  readonly requests: number;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Requests before each round that are not measured. */
const warmup = 1_000;

/**
 * Runs the bench and gives what vcpu.c prints.
 *
 * @throws LabError `BENCH_NEEDS_TWO_PROCESSORS`, `NOT_BUILT` with blame `usage`; `BENCH_FAILED`
 */
export async function measure({ rounds, requests }: Amount): Promise<string> {
  const [first, second] = allowedProcessors();
  if (first === undefined || second === undefined) {
    throw new LabError('the bench needs two processors: a spinning server has one to itself', {
      blame: 'usage',
      code: 'BENCH_NEEDS_TWO_PROCESSORS',
      next: 'run it on another machine, or allow it more than one processor (taskset)',
    });
  }
  make('src/native');
  make('src/bench');
  const directory = mkdtempSync(join(tmpdir(), 'ioreqlab-bench-'));
  try {
    const servers = join(directory, 'servers.mjs');
    await bundle(servers);
    const addon = join(root, 'build/native/ioreq.node');
    const libraries = join(root, 'build/native/bench');
    const words = [rounds, requests, warmup, first, second, process.execPath, servers, addon].map(String);
    return await run(join(libraries, 'vcpu'), words, { ...process.env, LD_LIBRARY_PATH: libraries });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The processors this process may use, as `Cpus_allowed_list` of proc(5) names them. */
function allowedProcessors(): number[] {
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return list.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}

function make(directory: string): void {
  try {
    // Under a lock: tests build too.
    execFileSync('flock', [`${root}/build`, 'make', '-s', '-C', join(root, directory)], { stdio: 'pipe' });
  } catch (cause) {
    const { stderr } = cause as { stderr?: Buffer };
    throw new LabError(`${directory} cannot be built`, {
      blame: 'usage',
      code: 'NOT_BUILT',
      next: `make -C ${directory}`,
      evidence: String(stderr ?? ''),
      cause,
    });
  }
}

/** What serves, as dom0 has it: one file. */
async function bundle(outfile: string): Promise<void> {
  await build({
    entryPoints: [join(root, 'src/bench/servers.ts')],
    ...({ bundle: true, platform: 'node', format: 'esm', target: 'node20', minifySyntax: true } as const),
    outfile,
    logLevel: 'silent',
  });
}

async function run(command: string, words: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(command, words, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code === 0) return output;
  throw new LabError('the bench did not come to its end', { blame: 'harness', code: 'BENCH_FAILED', evidence: output });
}
