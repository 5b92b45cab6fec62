/** From dense, for axes of less than a decade, to sparse. */
const DIGITS = [[1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9], [1, 1.5, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]];

/** Round values on a log axis from `low` to `high`, at most `most`: such as 1, 2, 5, 10, 20, or only the powers of ten. */
export function logTicks(low: number, high: number, most: number): number[] {
  for (const digits of DIGITS) {
    const ticks = within(digits, low, high);
    if (ticks.length <= most) return ticks;
  }
  const decades = within([1], low, high);
  const every = Math.ceil(decades.length / most);
  return decades.filter((_tick, index) => index % every === 0);
}

function within(digits: readonly number[], low: number, high: number): number[] {
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
    for (const digit of digits) ticks.push(digit * 10 ** power);
  }
  return ticks.filter((tick) => tick >= low && tick <= high);
}
