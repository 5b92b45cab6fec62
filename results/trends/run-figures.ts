import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../src/errors.ts';
import { issueText } from '../run/read-run.ts';
import { runSchema } from '../run-schema.ts';

/** Far above any real run; a larger file is not read. */
const LARGEST = 64 * 2 ** 20;

const { schema, id, startedAt, ioreqlab, hosts, scenarios } = runSchema.shape;
const record = scenarios.element.shape;

/**
 * What trends need of `run.json`, checked as strictly as the whole is, by the same pieces of its schema. The rest (artifacts,
 * errors, evidence: most of the file) is not looked at.
 */
const runFigures = z
  .object({
    schema,
    id,
    startedAt,
    ioreqlab,
    hosts,
    scenarios: z.array(
      z.object({
        id: record.id,
        host: record.host,
        params: record.params,
        verdict: record.verdict,
        metrics: record.metrics,
      }),
    ),
  })
  .refine(
    (run) => {
      const names = new Set(run.hosts.map(({ name }) => name));
      return run.scenarios.every(({ host, metrics }) => metrics.length === 0 || names.has(host));
    },
    { path: ['scenarios'], error: 'a scenario has a host that is not among the hosts of the run' },
  );

/** The part of a finished run that trends are made from. */
export type RunFigures = z.infer<typeof runFigures>;

/** A stored run, or why it cannot be used: one broken file must not cost the others. */
export type Reading = { readonly run: RunFigures } | { readonly why: string };

/** The text of a finished run's record; undefined where it cannot be used, with the reason. */
export async function storedText(directory: string): Promise<{ text: string } | { why: string }> {
  try {
    const file = await open(join(directory, 'run.json'));
    try {
      const { size } = await file.stat();
      return size > LARGEST ? { why: `${size} bytes are too many` } : { text: await file.readFile('utf8') };
    } finally {
      await file.close();
    }
  } catch (error) {
    return { why: messageOf(error) };
  }
}

/** Checks the text of a `run.json`. */
export function parseStored(text: string): Reading {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { why: 'not JSON' };
  }
  const result = runFigures.safeParse(value);
  return result.success ? { run: result.data } : { why: issueText(result.error).trim() };
}
