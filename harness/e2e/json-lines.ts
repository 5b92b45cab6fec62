import { z } from 'zod';
import { runSchema, VERDICTS } from '../../results/index.ts';

const hostShape = runSchema.shape.hosts.element;
const scenarioShape = runSchema.shape.scenarios.element;
const counts = z.record(z.enum(VERDICTS), z.int().nonnegative());

const runLine = z.strictObject({ type: z.literal('run'), id: z.string(), dir: z.string() });
const hostLine = z.looseObject({ type: z.literal('host'), name: z.string() });
const scenarioLine = z.looseObject({ type: z.literal('scenario'), id: z.string(), verdict: z.enum(VERDICTS) });
const summaryLine = z.strictObject({
  type: z.literal('summary'),
  id: z.string(),
  dir: z.string(),
  counts,
  exitCode: z.int(),
});
const line = z.discriminatedUnion('type', [runLine, hostLine, scenarioLine, summaryLine]);

type HostLine = z.infer<typeof hostShape>;
type ScenarioLine = z.infer<typeof scenarioShape>;

/** What `ioreqlab run --json` prints. */
export interface JsonLines {
  readonly types: readonly string[];
  readonly run: z.infer<typeof runLine> | undefined;
  readonly hosts: readonly HostLine[];
  /** In the order in which they ended. */
  readonly scenarios: readonly ScenarioLine[];
  readonly summary: z.infer<typeof summaryLine> | undefined;
}

/** Every line has to be an object of a known type, and hosts and scenarios what run.json takes. */
export function parseLines(text: string): JsonLines {
  const lines = text
    .split('\n')
    .filter((one) => one !== '')
    .map((one) => line.parse(JSON.parse(one)));
  return {
    types: lines.map(({ type }) => type),
    run: lines.find((one) => one.type === 'run'),
    hosts: lines.filter((one) => one.type === 'host').map((one) => hostShape.parse(one)),
    scenarios: lines
      .filter((one) => one.type === 'scenario')
      .map((one) => scenarioShape.parse({ artifacts: [], ...one })),
    summary: lines.find((one) => one.type === 'summary'),
  };
}
