import { readFileSync } from 'node:fs';
import { z } from 'zod';

const numbers = z.array(z.number());
const interval = { asked: z.number(), estimate: z.number(), low: z.number(), high: z.number(), confidence: z.number() };

const golden = z.object({
  functions: z.record(z.string(), z.array(numbers)),
  mannWhitney: z.array(
    z.object({
      ...{ a: numbers, b: numbers, u: z.number(), p: z.number(), within: z.number() },
      method: z.enum(['exact', 'normal']),
    }),
  ),
  hodgesLehmann: z.array(z.object({ a: numbers, b: numbers, ...interval })),
  medianInterval: z.array(z.object({ values: numbers, ...interval })),
  adjusted: z.array(z.object({ ps: numbers, holm: numbers, bh: numbers })),
  noiseFloor: z.array(z.object({ deltas: numbers, floor: z.number() })),
  jointPermutation: z.array(z.object({ rows: z.array(numbers), n: z.int(), ps: numbers, adjusted: numbers })),
});

const otava = z.array(
  z.object({
    name: z.string(),
    series: numbers,
    ...{ window: z.number(), maxP: z.number(), leastChange: z.number() },
    points: z.array(z.object({ index: z.int(), before: z.number(), after: z.number(), p: z.number() })),
  }),
);

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));

/** What SciPy and NumPy say: `make-golden.py` beside it. */
export const scipy: z.infer<typeof golden> = golden.parse(read('scipy.json'));

/** What Apache Otava finds: `make-otava.py` beside it. */
export const otavaCases: z.infer<typeof otava> = otava.parse(read('otava.json'));
