import type { Writable } from 'node:stream';
import { styleText } from 'node:util';

export type Style = 'green' | 'cyan' | 'gray' | 'yellow' | 'magenta' | 'red' | 'bold';

/** Colours a text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

/** Colours for this stream: none if it is no terminal, if NO_COLOR is set, or if there is no stream. */
export function paintFor(stream: Writable | undefined): Paint {
  return (style, text) => (stream === undefined || text === '' ? text : styleText(style, text, { stream }));
}
