/** Round values on a log axis from `low` to `high`: 1, 2, 5, 10, 20, ..., thinned until there are at most `most`. */
export function logTicks(low: number, high: number, most: number): number[] {
  for (const digits of [[1, 2, 5], [1, 3], [1]]) {
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
