import { LabError } from '../../src/errors.ts';

const MILLISECONDS: Readonly<Record<string, number>> = { h: 3.6e6, d: 8.64e7, w: 6.048e8 };

/** The moment that `30d`, `12h`, `8w`, `2026-11-01` or a whole ISO 8601 time means, in milliseconds since 1970. LabError for anything else. */
export function parseSince(text: string, now: number): number {
  const [, amount = '', unit = ''] = /^(\d{1,5})([hdw])$/.exec(text) ?? [];
  const length = MILLISECONDS[unit];
  if (length !== undefined) return now - Number(amount) * length;
  const at = /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2}))?$/.test(text) ? Date.parse(text) : Number.NaN;
  // Date.parse takes the 31st of February for a day in March.
  if (Number.isNaN(at) || (text.length === 10 && new Date(at).toISOString().slice(0, 10) !== text)) {
    throw new LabError(`--since ${text}: neither an age nor a date`, {
      blame: 'usage',
      code: 'USAGE',
      next: 'ioreqlab report --since 30d, or --since 2026-11-01',
    });
  }
  return at;
}

/** When a run was started, as its id says it, to the second. */
export function startOf(id: string): number {
  const [, year = '', month = '', day = '', hour = '', minute = '', second = ''] =
    /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z/.exec(id) ?? [];
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}
