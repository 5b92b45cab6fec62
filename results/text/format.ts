/** Numbers as people read them; the same in the terminal and in the report. */

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const precise = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 4 });

/** `41,690`; below 1000, and not whole, four significant digits. */
export function formatNumber(value: number): string {
  return Number.isInteger(value) || Math.abs(value) >= 1000 ? grouped.format(value) : precise.format(value);
}

/** `41.7k`, `2M`: for axes, where there is little room. Below 1000 as {@link formatNumber}. */
export function formatShort(value: number): string {
  const thousands = value >= 1e6 ? 2 : value >= 1e3 ? 1 : 0;
  if (thousands === 0) return formatNumber(value);
  return precise.format(value / 1000 ** thousands) + (thousands === 1 ? 'k' : 'M');
}

/** `0.740`: three decimals, since goals are stated in per cent and repeat within some tenths of one. */
export function formatRatio(value: number): string {
  if (value > 0 && value < 0.0005) return '<0.001';
  return value >= 1000 ? grouped.format(value) : value.toFixed(3);
}

/** `12 ms`, `3.4 s`, `2 min 05 s`, `1 h 03 min`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 59_950) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** `340 B`, `12.3 kB`, `4.56 MB`; powers of 1000. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 }).format(bytes / 1000 ** power)} ${units[power] ?? ''}`;
}

/** `1 scenario`, `2 scenarios`. */
export function formatCount(count: number, noun: string): string {
  return `${grouped.format(count)} ${noun}${count === 1 ? '' : 's'}`;
}
