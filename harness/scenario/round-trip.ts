import type { OperationResult } from '../../guests/program/index.ts';
import { LabError } from '../../src/errors.ts';
import type { TraceRecord } from '../../src/trace/record.ts';
import type { ClockOffset } from '../host/clock-exchange.ts';

/** Where the time of round trips went: an element for each, in TSC cycles. The three add up to the round trip. */
export interface RoundTrips {
  /** From the guest's first stamp until the device model has taken the request. */
  readonly out: Float64Array;
  /** Until the device model is about to answer. */
  readonly deviceModel: Float64Array;
  /** Until the guest's second stamp. */
  readonly in: Float64Array;
}

/**
 * Splits round trips by the stamps of both sides.
 *
 * @param seen the result of `sample` with `stamps`, of accesses that made one request each
 * @param trace what the server recorded of those, and nothing else
 * @throws LabError `SPLIT_IMPOSSIBLE` when the two do not belong together
 */
export function splitRoundTrips(
  seen: OperationResult | undefined,
  trace: readonly TraceRecord[],
  clock: ClockOffset,
): RoundTrips {
  const { samples, starts } = seen ?? {};
  if (samples === undefined || starts === undefined) throw impossible('there are no samples with stamps');
  if (samples.length !== trace.length) throw impossible(`${samples.length} accesses made ${trace.length} requests`);
  const parts = {
    out: new Float64Array(samples.length),
    deviceModel: new Float64Array(samples.length),
    in: new Float64Array(samples.length),
  };
  trace.forEach(({ takenAt, answeredAt }, i) => {
    const start = (starts[i] as number) + clock.cycles;
    const end = start + (samples[i] as number);
    parts.out[i] = Number(takenAt) - start;
    parts.deviceModel[i] = Number(answeredAt - takenAt);
    parts.in[i] = end - Number(answeredAt);
    // Cause comes before effect, as far as the clocks tell.
    const least = Math.min(parts.out[i], parts.in[i]);
    if (least < -clock.uncertainty) throw impossible(`access ${i} would have been answered outside of its time`);
  });
  return parts;
}

function impossible(why: string): LabError {
  return new LabError(`round trips cannot be split: ${why}`, { blame: 'scenario', code: 'SPLIT_IMPOSSIBLE' });
}
