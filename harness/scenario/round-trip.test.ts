import { expect, test } from 'vitest';
import type { OperationResult } from '../../guests/program/index.ts';
import type { TraceRecord } from '../../src/trace/record.ts';
import { splitRoundTrips } from './round-trip.ts';

const clock = { cycles: 1_000_000.5, uncertainty: 20 };

const seenOf = (samples: readonly number[], starts: readonly number[]): OperationResult =>
  ({
    samples: Uint32Array.from(samples),
    starts: Float64Array.from(starts),
  }) as Partial<OperationResult> as OperationResult;

const recordOf = (takenAt: bigint, answeredAt: bigint): TraceRecord =>
  ({ takenAt, answeredAt }) as Partial<TraceRecord> as TraceRecord;

test('the three parts of each round trip add up to it', () => {
  const seen = seenOf([1000, 900], [50, 2000]);
  const trace = [recordOf(1_000_450n, 1_000_550n), recordOf(1_002_300n, 1_002_310n)];
  const { out, deviceModel, in: back } = splitRoundTrips(seen, trace, clock);
  expect([...out]).toEqual([399.5, 299.5]);
  expect([...deviceModel]).toEqual([100, 10]);
  expect([...back]).toEqual([500.5, 590.5]);
  expect(out.map((value, i) => value + (deviceModel[i] ?? 0) + (back[i] ?? 0))).toEqual(Float64Array.of(1000, 900));
});

test('what does not belong together is refused', () => {
  const seen = seenOf([1000], [50]);
  const good = recordOf(1_000_450n, 1_000_550n);
  const split =
    (trace: readonly TraceRecord[], of: OperationResult | undefined = seen) =>
    () =>
      splitRoundTrips(of, trace, clock);
  expect(split([good])).not.toThrow();
  expect(split([good, good])).toThrow('1 accesses made 2 requests');
  expect(split([recordOf(1_000_020n, 1_000_550n)])).toThrow('access 0 would have been answered outside of its time');
  expect(split([recordOf(1_000_450n, 1_001_090n)])).toThrow('access 0 would have been answered outside of its time');
  expect(() => splitRoundTrips(undefined, [good], clock)).toThrow('there are no samples with stamps');
});
