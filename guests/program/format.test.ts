import { describe, expect, it } from 'vitest';
import { HOLE_ABOVE_4G, HOLE_BELOW_4G, MAX_SAMPLES, SCRATCH, windowAddress } from './index.ts';
import { cHeader, formatDigest } from './c-header.ts';
import { BOOT_RECORD, MAX_VCPUS, MEMORY, OPCODE, WINDOW } from './format.ts';

const MIB = 1 << 20;

describe('the program format', () => {
  it('keeps the parts of memory apart, within 48 MiB', () => {
    expect(MEMORY.bootRecord + BOOT_RECORD.size).toBeLessThanOrEqual(MEMORY.windowBase);
    expect(windowAddress(MAX_VCPUS)).toBeLessThanOrEqual(MEMORY.scratchBase);
    expect(SCRATCH.end).toBeLessThanOrEqual(48 * MIB);
    expect(HOLE_BELOW_4G.start).toBeGreaterThan(64 * MIB);
    expect(HOLE_ABOVE_4G.start).toBe(2n ** 32n);
  });

  it('keeps the parts of a window apart', () => {
    expect(WINDOW.programOffset + WINDOW.programSize).toBeLessThanOrEqual(WINDOW.codeOffset);
    expect(WINDOW.codeOffset + 4096).toBeLessThanOrEqual(WINDOW.resultOffset);
    expect(WINDOW.resultOffset + WINDOW.resultSize).toBe(MEMORY.windowStride);
    expect(MAX_SAMPLES).toBeGreaterThanOrEqual(100_000);
  });

  it('becomes a C header with a digest of itself', () => {
    const header = cHeader();
    expect(header).toContain(`#define FORMAT_DIGEST 0x${formatDigest.toString(16)}\n`);
    expect(header).toContain('#define CONTROL_PORT 0xe500\n');
    expect(header).toContain('    uint8_t apic_ids[16];\n');
    expect(header).toContain('_Static_assert(sizeof(struct operation) == 32, "size of operation");\n');
    for (const name of Object.keys(OPCODE)) expect(header).toMatch(new RegExp(`#define OP_${name.toUpperCase()} 0x`));
    expect(cHeader()).toBe(header);
  });

  it('gives every opcode a number of its own', () => {
    expect(new Set(Object.values(OPCODE)).size).toBe(Object.keys(OPCODE).length);
  });
});
