import { LabError } from '../../src/errors.ts';
import { formatDigest } from './c-header.ts';
import { checksum } from './checksum.ts';
import { hex } from './check-values.ts';
import { BOOT_RECORD, ENVIRONMENT, FEATURE, MAGIC, MAX_VCPUS } from './format.ts';
import { StructView } from './layout.ts';

/** What the guest says about itself at `MEMORY.bootRecord`, as soon as it has started. */
export interface BootRecord {
  /** How it was started; `unknown` never happens in a sound guest. */
  readonly environment: 'hvm' | 'pvh' | 'unknown';
  /** Such as `4.20`; undefined when not under Xen. */
  readonly xenVersion: string | undefined;
  /** Numbers of the vCPUs that are up, ascending. Grows while they come up. */
  readonly vcpus: readonly number[];
  /** Local APIC ids, by vCPU number. */
  readonly apicIds: ReadonlyMap<number, number>;
  /** AVX and 1 GiB pages are there; the guest runs under Xen. */
  readonly features: { readonly avx: boolean; readonly gibPages: boolean; readonly xen: boolean };
  /** GiB of guest-physical memory that is mapped: an access beyond is a page fault. */
  readonly mappedGib: number;
  /** TSC cycles from entry to the first vCPU's readiness. */
  readonly bootCycles: number;
}

/** Bytes of a boot record. */
export const BOOT_RECORD_BYTES = BOOT_RECORD.size;

const invalid = (message: string): LabError =>
  new LabError(`boot record: ${message}`, { blame: 'guest', code: 'GUEST_BOOT_RECORD_INVALID' });

/**
 * Decodes the bytes at `MEMORY.bootRecord`; undefined while the guest has written nothing. Throws a LabError with blame
 * `guest` when they make no sense: also in the instant in which a further vCPU enters itself, so try again.
 */
export function decodeBootRecord(bytes: Uint8Array): BootRecord | undefined {
  if (bytes.length < BOOT_RECORD.size) throw invalid(`${bytes.length} bytes of ${BOOT_RECORD.size}`);
  const copy = bytes.slice(0, BOOT_RECORD.size);
  const view = new DataView(copy.buffer);
  const record = new StructView(BOOT_RECORD, view, 0);
  if (record.get('magic') === 0) return undefined;
  if (record.get('magic') !== MAGIC.boot) throw invalid(`magic is ${hex(record.get('magic'))}`);
  if (record.get('format') !== formatDigest)
    throw new LabError(
      `the guest was built for program format ${hex(record.get('format'))}, not ${hex(formatDigest)}`,
      {
        blame: 'guest',
        code: 'GUEST_FORMAT',
        next: 'make -C guests/workload',
      },
    );
  const sum = checksum(view, 0, record.position('checksum'));
  if (record.get('checksum') !== sum) throw invalid('wrong checksum');

  const mask = record.get('vcpuMask');
  const vcpus = Array.from({ length: MAX_VCPUS }, (_, n) => n).filter((n) => (mask & (1 << n)) !== 0);
  if (vcpus.length !== record.get('vcpusOnline')) throw invalid('vCPU count and mask differ');
  const environment = record.get('environment');
  const version = record.get('xenVersion');
  const has = (bit: number): boolean => (record.get('features') & bit) !== 0;
  return {
    environment: environment === ENVIRONMENT.hvm ? 'hvm' : environment === ENVIRONMENT.pvh ? 'pvh' : 'unknown',
    xenVersion: version === 0 ? undefined : `${version >>> 16}.${version & 0xffff}`,
    vcpus,
    apicIds: new Map(vcpus.map((n) => [n, record.get('apicIds', n)])),
    features: { avx: has(FEATURE.avx), gibPages: has(FEATURE.gibPages), xen: has(FEATURE.xen) },
    mappedGib: record.get('mappedGib'),
    bootCycles: Number(record.getBig('bootCycles')),
  };
}
