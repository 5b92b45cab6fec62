import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layout, StructView } from './layout.ts';

const sample = layout('sample', 24, { a: 'u8', b: 'u8', c: 'u16', d: 'u32', e: 'u64', f: ['u32', 2] });

describe('layouts', () => {
  it('place fields one after the other', () => {
    expect(Object.values(sample.fields).map(({ offset }) => offset)).toEqual([0, 1, 2, 4, 8, 16]);
  });

  it('refuse what a C compiler would lay out otherwise', () => {
    expect(() => layout('padded', 8, { a: 'u8', b: 'u32' })).toThrow('padded.b is misaligned at 1');
    expect(() => layout('short', 8, { a: 'u32' })).toThrow('short has 4 bytes, not 8');
    expect(() => layout('odd', 4, { a: 'u32' })).toThrow();
  });

  it('read back what was written, and touch nothing else', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        (name, value) => {
          const bytes = new Uint8Array(40);
          const view = new StructView(sample, new DataView(bytes.buffer), 8);
          const field = sample.fields[name];
          const width = { u8: 1, u16: 2, u32: 4, u64: 8 }[field.type];
          const truncated = BigInt.asUintN(width * 8, value);
          view.set(name, width === 8 ? value : Number(truncated), field.count - 1);
          expect(view.getBig('e')).toBe(name === 'e' ? value : 0n);
          if (width < 8) expect(view.get(name, field.count - 1)).toBe(Number(truncated));
          const start = 8 + field.offset + width * (field.count - 1);
          bytes.fill(0, start, start + width);
          expect(bytes.every((byte) => byte === 0)).toBe(true);
        },
      ),
    );
  });

  it('refuse indices outside of a field and bytes outside of a view', () => {
    const view = new StructView(sample, new DataView(new ArrayBuffer(20)), 0);
    expect(() => view.get('f', 2)).toThrow(RangeError);
    expect(() => view.get('f', 1)).toThrow(RangeError);
    expect(() => view.get('e')).toThrow(TypeError);
  });
});
