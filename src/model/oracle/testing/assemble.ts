import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Machine code of each line of 64-bit assembly in Intel's syntax, by the GNU assembler. */
export function assemble(lines: readonly string[]): Uint8Array[] {
  const directory = mkdtempSync(join(tmpdir(), 'ioreqlab-assemble-'));
  const at = (name: string): string => join(directory, name);
  try {
    // Each in 16 bytes, with its length behind it.
    const text = lines.map((line, i) => `.balign 32\n1${i}0:\n${line}\n2${i}0:\n.balign 16\n.quad 2${i}0b - 1${i}0b\n`);
    writeFileSync(at('code.s'), `.intel_syntax noprefix\n${text.join('')}`);
    execFileSync('as', ['--64', '-o', at('code.o'), at('code.s')], { stdio: 'pipe' });
    execFileSync('objcopy', ['-O', 'binary', '-j', '.text', at('code.o'), at('code.bin')], { stdio: 'pipe' });
    const bytes = readFileSync(at('code.bin'));
    return lines.map((_, i) => {
      const length = Number(bytes.readBigUInt64LE(32 * i + 16));
      return Uint8Array.from(bytes.subarray(32 * i, 32 * i + length));
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}
