import { formatDigest } from '../program/c-header.ts';
import { checksum } from '../program/checksum.ts';
import { MAGIC, OPCODE, RESULT, RESULT_HEADER, STATUS } from '../program/format.ts';
import { type Program } from '../program/index.ts';
import { StructView } from '../program/layout.ts';
import { dataBytes, layOut } from '../program/program-layout.ts';

/** Writes the checksum of a result region anew. */
export function sealResults(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer);
  const header = new StructView(RESULT_HEADER, view, 0);
  const covered = header.get('resultCount') === 0 ? 0 : bytes.length - RESULT_HEADER.size;
  const sum = checksum(view, 0, header.position('checksum'));
  header.set('checksum', checksum(view, RESULT_HEADER.size, covered, sum));
}

/** What a sound guest writes after running the program: registers and data hold `fill` in every byte. */
export function encodeResults(program: Program, run: { sequence: number; vcpu: number }, fill = 0x5a): Uint8Array {
  const placed = layOut(program);
  const bytes = new Uint8Array(placed.resultBytes).fill(fill, RESULT_HEADER.size);
  const view = new DataView(bytes.buffer);
  const header = new StructView(RESULT_HEADER, view, 0);
  header.set('magic', MAGIC.result);
  header.set('format', formatDigest);
  header.set('sequence', run.sequence);
  header.set('vcpu', run.vcpu);
  header.set('status', STATUS.ok);
  header.set('resultCount', program.operations.length);
  header.set('dataBytes', placed.dataBytes);
  program.operations.forEach((operation, index) => {
    const record = new StructView(RESULT, view, RESULT_HEADER.size + index * RESULT.size);
    record.set('opcode', OPCODE[operation.op]);
    record.set('outcome', 0);
    record.set('dataOffset', placed.dataOffsets[index] ?? 0);
    record.set('dataBytes', dataBytes(operation));
    record.set('samples', operation.op === 'sample' ? operation.count : 0);
  });
  sealResults(bytes);
  return bytes;
}
