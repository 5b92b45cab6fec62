import type { AccessSize, RegionHandler } from '../region.ts';

/** Where the header's fields are: `PCITestDevHdr` of QEMU's docs/specs/pci-testdev.rst. */
const field = { test: 0, width: 1, offset: 4, data: 8, count: 12, name: 16 } as const;
/** Where the write of a test has to go, and what it has to be. */
const target = 0x80;
const data = 0xfa;
const widths: readonly AccessSize[] = [1, 2, 4];

/**
 * A BAR that describes tests: writing a number to byte 0 selects the test of a write of 1, 2 or 4 bytes; the header then
 * tells its width, offset and data, and counts the writes that were so. There are tests 0 to 2.
 */
export class TestHeader implements RegionHandler {
  readonly #bytes = new Uint8Array(target);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #kind: string;
  test = 0;

  /** @param kind first word of the tests' names */
  constructor(kind: string) {
    this.#kind = kind;
    this.select(0);
  }

  get count(): number {
    return this.#view.getUint32(field.count, true);
  }

  set count(value: number) {
    this.#view.setUint32(field.count, value, true);
  }

  /** Makes the header tell of a test; a width of 0 says that there is none of that number. */
  select(test: number): void {
    this.test = test;
    const width = widths[test] ?? 0;
    this.#bytes.fill(0);
    this.#bytes[field.width] = width;
    if (width === 0) return;
    this.#view.setUint32(field.offset, target, true);
    this.#view.setUint32(field.data, data, true);
    this.#bytes.set(Buffer.from(`${this.#kind}-write-${width}\0`, 'latin1'), field.name);
  }

  read(offset: number, size: AccessSize): number {
    let value = 0;
    for (let byte = size - 1; byte >= 0; byte--) value = (value << 8) | (this.#bytes[offset + byte] ?? 0);
    return value;
  }

  write(offset: number, size: AccessSize, value: number): void {
    if (offset === field.test && size === 1) this.select(value);
    else if (offset === target && size === widths[this.test] && value === data) this.count = (this.count + 1) >>> 0;
  }
}
