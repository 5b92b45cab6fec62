import { checksum } from './checksum.ts';
import { CONSTANTS, STRUCTURES } from './format.ts';
import { scalarBytes, type Layout } from './layout.ts';

const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function constants(): string[] {
  return Object.entries(CONSTANTS).flatMap(([prefix, group]) =>
    Object.entries(group).map(
      ([name, value]) =>
        `#define ${snake(prefix === '' ? name : `${prefix}_${name}`).toUpperCase()} 0x${value.toString(16)}`,
    ),
  );
}

function structure({ name, size, fields }: Layout): string[] {
  const members = Object.values(fields);
  return [
    `struct ${name} {`,
    ...members.map(
      ({ name: member, type, count }) =>
        `    uint${scalarBytes[type] * 8}_t ${snake(member)}${count === 1 ? '' : `[${count}]`};`,
    ),
    '};',
    `_Static_assert(sizeof(struct ${name}) == ${size}, "size of ${name}");`,
    ...members.map(
      (member) =>
        `_Static_assert(offsetof(struct ${name}, ${snake(member.name)}) == ${member.offset}, "${name}.${member.name}");`,
    ),
  ];
}

/** The definition as lines of C, before the digest is added. */
function definition(): { constants: string[]; structures: string[] } {
  return { constants: constants(), structures: STRUCTURES.flatMap((each) => [...structure(each), '']) };
}

/** A number that changes with any change of the format; stands in the `format` field of every header in memory. */
export const formatDigest: number = (() => {
  const { constants: defines, structures } = definition();
  const text = new TextEncoder().encode([...defines, ...structures].join('\n'));
  const padded = new Uint8Array((text.length + 3) & ~3);
  padded.set(text);
  return checksum(new DataView(padded.buffer), 0, padded.length);
})();

/** The C header of the format, for the guest's C and assembly sources. */
export function cHeader(): string {
  const { constants: defines, structures } = definition();
  return [
    '/* Made from guests/program/format.ts by guests/program/write-c-header.ts: do not edit. */',
    '#ifndef PROGRAM_FORMAT_H',
    '#define PROGRAM_FORMAT_H',
    '',
    ...defines,
    `#define FORMAT_DIGEST 0x${formatDigest.toString(16)}`,
    '',
    '#ifndef __ASSEMBLER__',
    '#include <stddef.h>',
    '#include <stdint.h>',
    '',
    ...structures,
    '#endif',
    '#endif',
    '',
  ].join('\n');
}
