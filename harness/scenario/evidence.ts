import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { programToText, type Program } from '../../guests/program/index.ts';

/** A scenario that runs more programs than this keeps only the first. */
const maxProgramBytes = 1024 * 1024;
/** Lines of Xen's log that are kept beside a scenario that failed. */
const logLines = 300;

/** Collects what a scenario had its guest do, as programs that can be run again. */
export class ProgramLog {
  #text = '';
  #runs = 0;

  add(programs: readonly Program[]): void {
    this.#runs++;
    if (this.#text.length > maxProgramBytes) return;
    programs.forEach((program, vcpu) => {
      this.#text += `# run ${this.#runs}, vCPU ${vcpu}\n${programToText(program)}\n`;
    });
  }

  /** Writes `programs.txt`, if there were any. */
  async keep(directory: string): Promise<void> {
    if (this.#text === '') return;
    await writeFile(join(directory, 'programs.txt'), this.#text);
    if (this.#text.length > maxProgramBytes) {
      await appendFile(join(directory, 'programs.txt'), `# ${this.#runs} runs in all; the rest was not kept\n`);
    }
  }
}

/** Keeps the end of Xen's log beside a scenario that failed: what Xen said, and the guests' console as `(dN) ...`. */
export async function keepXenLog(directory: string, text: string): Promise<void> {
  await writeFile(join(directory, 'xen.log'), `${text.trimEnd().split('\n').slice(-logLines).join('\n')}\n`);
}
