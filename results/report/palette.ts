import type { Answerer } from '../ladder.ts';

/** How many series have a colour of their own; the style sheet defines `--series-0` to this, less one. */
export const SERIES_COLORS = 6;

/** Hosts in the order of the run, so that a host has the same colour in every picture. */
export function seriesColor(index: number): string {
  return `var(--series-${index % SERIES_COLORS})`;
}

/** For pictures of one host, where colour tells who answers. */
export function answererColor(answerer: Answerer): string {
  return `var(--by-${answerer === 'processor' ? 'xen' : answerer})`;
}

/** The legend of such pictures. */
export const ANSWERERS: readonly (readonly [Answerer, string])[] = [
  ['xen', 'processor or Xen alone'],
  ['c', 'C reference server'],
  ['ts', 'TypeScript device model'],
  ['qemu', 'QEMU'],
];
