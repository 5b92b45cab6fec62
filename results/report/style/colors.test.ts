import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

/** The colours of each scheme by name, as the style sheet has them. */
function schemes(): Record<'light' | 'dark', Map<string, string>> {
  const [light = '', dark = ''] = readFileSync(new URL('./colors.css', import.meta.url), 'utf8').split('@media');
  const colors = (css: string): Map<string, string> =>
    new Map([...css.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = '', color = '']) => [name, color]));
  return { light: colors(light), dark: colors(dark) };
}

type Triple = readonly [number, number, number];

function linear(color: string): Triple {
  const channel = (at: number): number => {
    const value = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

function dot(a: Triple, b: Triple): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/** Relative luminance, WCAG 2.2. */
function luminance(color: string): number {
  return dot(linear(color), [0.2126, 0.7152, 0.0722]);
}

/** What eyes without one kind of cone see: Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB. */
const EYES: Readonly<Record<string, readonly [Triple, Triple, Triple]>> = {
  all: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** Distance in CIELAB; about 2 can just be noticed side by side. */
function difference(a: string, b: string, eye: readonly [Triple, Triple, Triple]): number {
  const lab = (color: string): Triple => {
    const seen = eye.map((row) => Math.min(1, Math.max(0, dot(row, linear(color)))));
    const rgb: Triple = [seen[0] ?? 0, seen[1] ?? 0, seen[2] ?? 0];
    const root = (t: number): number => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
    const x = root(dot(rgb, [0.4124, 0.3576, 0.1805]) / 0.95047);
    const y = root(dot(rgb, [0.2126, 0.7152, 0.0722]));
    const z = root(dot(rgb, [0.0193, 0.1192, 0.9505]) / 1.08883);
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
  };
  const [one, other] = [lab(a), lab(b)];
  return Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2]);
}

function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((one, other) => one - other);
  return (light + 0.05) / (dark + 0.05);
}

const VERDICTS = ['pass', 'known', 'skip', 'flaky', 'error', 'fail', 'crash', 'notRun'];
const SERIES = ['series-0', 'series-1', 'series-2', 'series-3', 'series-4', 'series-5'];
const ANSWERERS = ['by-xen', 'by-c', 'by-ts', 'by-qemu'];

describe.each(['light', 'dark'] as const)('in the %s scheme', (scheme) => {
  const colors = schemes()[scheme];
  const color = (name: string): string => {
    const found = colors.get(name);
    if (found === undefined) throw new Error(`no colour ${name}`);
    return found;
  };

  test.each(['ink', 'muted', 'link', ...VERDICTS])(
    'text in %s can be read on the page and on what is raised',
    (name) => {
      expect(contrast(color(name), color('page'))).toBeGreaterThanOrEqual(4.5);
      expect(contrast(color(name), color('raised'))).toBeGreaterThanOrEqual(4.5);
    },
  );

  test.each([...SERIES, 'by-c', 'by-ts', 'by-qemu', 'whisker'])('%s can be seen on the page', (name) => {
    expect(contrast(color(name), color('page'))).toBeGreaterThanOrEqual(
      name === 'series-1' || name === 'by-qemu' ? 2.5 : 3,
    );
  });

  test.each(Object.keys(EYES))('no two colours of one picture look alike to %s eyes', (kind) => {
    const eye = EYES[kind];
    if (eye === undefined) throw new Error(kind);
    for (const names of [SERIES, ANSWERERS]) {
      const pairs = names.flatMap((name, index) => names.slice(index + 1).map((other) => [name, other] as const));
      const alike = pairs.filter(([name, other]) => difference(color(name), color(other), eye) < 18);
      expect(alike).toEqual([]);
    }
  });
});

test('both schemes have the same colours', () => {
  const { light, dark } = schemes();
  expect([...dark.keys()].sort()).toEqual([...light.keys()].sort());
});
