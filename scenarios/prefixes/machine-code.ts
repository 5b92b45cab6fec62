/** Machine code, in hexadecimal: `48 8b 03`. */
export const code = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

/** Bytes of a general operand. */
export type Width = 1 | 2 | 4 | 8;

/** All of them. */
export const widths = [1, 2, 4, 8] as const;

/**
 * An instruction on [rbx] with a register or an extension of the opcode, by its number from 0 to 7. Even opcodes are those
 * of bytes. Always with REX, so that 4 to 7 are SPL to DIL.
 */
export function onRbx(
  width: Width,
  opcode: readonly number[],
  number: number,
  { isLocked = false, immediate = [] }: { readonly isLocked?: boolean; readonly immediate?: readonly number[] } = {},
): Uint8Array {
  const last = opcode.length - 1;
  const bytes = opcode.map((byte, i) => (i === last && width !== 1 ? byte | 1 : byte));
  const prefixes = [...(isLocked ? [0xf0] : []), ...(width === 2 ? [0x66] : []), width === 8 ? 0x48 : 0x40];
  return Uint8Array.from([...prefixes, ...bytes, (number << 3) | 3, ...immediate]);
}
