// Progress of long steps, on stderr. Plain JavaScript without dependencies: the bootstrap runs before npm ci.

import { performance } from 'node:perf_hooks';

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** @param {number} ms */
export function elapsed(ms) {
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/**
 * Runs a step and shows it with its elapsed time: a live line on a terminal; elsewhere a line at the start, one
 * every ten seconds, and one at the end. Steps shorter than a second leave no trace unless they fail.
 *
 * @template T
 * @param {string} label what is done, in the imperative: "build the image"
 * @param {(note: (text: string) => void) => Promise<T>} work gets a function that says how far it is
 * @param {{ quiet?: boolean, stream?: NodeJS.WriteStream }} [options]
 * @returns {Promise<T>}
 */
export async function step(label, work, options = {}) {
  const stream = options.stream ?? process.stderr;
  const live = stream.isTTY === true;
  const startedAt = performance.now();
  let detail = '';
  let frame = 0;
  let shown = false;
  const line = () => `${label}${detail ? `: ${detail}` : ''} (${elapsed(performance.now() - startedAt)})`;
  const show = () => {
    if (options.quiet) return;
    if (live)
      stream.write(`\r\x1b[K${frames[frame++ % frames.length]} ${line()}`.slice(0, (stream.columns || 120) + 3));
    else stream.write(shown ? `... ${line()}\n` : `==> ${label}\n`);
    shown = true;
  };
  /** @type {NodeJS.Timeout | undefined} */
  let interval;
  const first = setTimeout(() => {
    show();
    interval = setInterval(show, live ? 120 : 10_000);
  }, 900);
  const done = (/** @type {string} */ mark) => {
    clearTimeout(first);
    clearInterval(interval);
    if (live && shown) stream.write('\r\x1b[K');
    if (!options.quiet && (shown || mark !== '✔'))
      stream.write(`${mark} ${label} (${elapsed(performance.now() - startedAt)})\n`);
  };
  try {
    const result = await work((text) => {
      detail = text;
    });
    done('✔');
    return result;
  } catch (error) {
    done('✘');
    throw error;
  }
}
