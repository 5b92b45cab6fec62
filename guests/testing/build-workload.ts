import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Brings the workload guest up to date and returns the path of its ELF. Throws with make's output when that fails. */
export function buildWorkload(): string {
  execFileSync('make', ['-s', '-C', `${root}/guests/workload`], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 60_000,
  });
  return `${root}/build/guests/workload.elf`;
}
