/** Type of one scalar in guest memory; all are little-endian and naturally aligned. */
export type Scalar = 'u8' | 'u16' | 'u32' | 'u64';

/** A scalar, or an array of `[scalar, count]`. */
export type FieldSpec = Scalar | readonly [Scalar, number];

/** One field of a {@link Layout}. */
export interface Field {
  readonly name: string;
  readonly type: Scalar;
  /** Number of elements; 1 for a plain scalar. */
  readonly count: number;
  /** Bytes from the start of the structure. */
  readonly offset: number;
}

/** A structure in guest memory: the one definition that the C header and the TypeScript codecs are made from. */
export interface Layout<Names extends string = string> {
  /** Name of the C structure. */
  readonly name: string;
  /** Bytes, without any padding: {@link layout} refuses a structure that would need some. */
  readonly size: number;
  readonly fields: Readonly<Record<Names, Field>>;
}

/** Bytes of one scalar. */
export const scalarBytes: Readonly<Record<Scalar, number>> = { u8: 1, u16: 2, u32: 4, u64: 8 };

/** Lays the fields out one after the other. Throws when the size is another or a C compiler would insert padding. */
export function layout<const Spec extends Readonly<Record<string, FieldSpec>>>(
  name: string,
  size: number,
  spec: Spec,
): Layout<keyof Spec & string> {
  const fields: Record<string, Field> = {};
  let offset = 0;
  for (const [fieldName, fieldSpec] of Object.entries<FieldSpec>(spec)) {
    const [type, count] = typeof fieldSpec === 'string' ? ([fieldSpec, 1] as const) : fieldSpec;
    if (offset % scalarBytes[type] !== 0) throw new Error(`${name}.${fieldName} is misaligned at ${offset}`);
    fields[fieldName] = { name: fieldName, type, count, offset };
    offset += scalarBytes[type] * count;
  }
  if (offset !== size || size % 8 !== 0) throw new Error(`${name} has ${offset} bytes, not ${size}`);
  return { name, size, fields: fields as Record<keyof Spec & string, Field> };
}

/** Reads and writes the fields of one structure at `base` in `view`. Out-of-range accesses throw RangeError. */
export class StructView<Names extends string> {
  readonly #layout: Layout<Names>;
  readonly #view: DataView;
  readonly #base: number;

  constructor(structure: Layout<Names>, view: DataView, base: number) {
    this.#layout = structure;
    this.#view = view;
    this.#base = base;
  }

  /** Value of a field of at most 32 bits. */
  get(name: Names, index = 0): number {
    const { type, at } = this.#locate(name, index);
    if (type === 'u8') return this.#view.getUint8(at);
    if (type === 'u16') return this.#view.getUint16(at, true);
    if (type === 'u32') return this.#view.getUint32(at, true);
    throw new TypeError(`${this.#layout.name}.${name} has 64 bits`);
  }

  /** Value of a 64-bit field. */
  getBig(name: Names, index = 0): bigint {
    return this.#view.getBigUint64(this.#locate(name, index).at, true);
  }

  /** Writes a field of any width; the value is truncated to it. */
  set(name: Names, value: number | bigint, index = 0): void {
    const { type, at } = this.#locate(name, index);
    if (type === 'u64') this.#view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
    else if (type === 'u32') this.#view.setUint32(at, Number(value), true);
    else if (type === 'u16') this.#view.setUint16(at, Number(value), true);
    else this.#view.setUint8(at, Number(value));
  }

  /** Position in the view of an element of a field. */
  position(name: Names, index = 0): number {
    return this.#locate(name, index).at;
  }

  #locate(name: Names, index: number): { type: Scalar; at: number } {
    const field = this.#layout.fields[name];
    if (index < 0 || index >= field.count) throw new RangeError(`${this.#layout.name}.${name}[${index}]`);
    return { type: field.type, at: this.#base + field.offset + index * scalarBytes[field.type] };
  }
}
