import { readFile, writeFile } from 'node:fs/promises';
import * as z from 'zod';
import { programFromText, programToText, type Program } from '../../guests/program/index.ts';
import { environmentSchema } from '../../src/agent/protocol.ts';
import { isLabError, LabError, messageOf } from '../../src/errors.ts';
import type { Recipe, RecipeStep } from './recipe.ts';

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,40}$/);
const address = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const waiting = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('block') }),
  z.strictObject({ mode: z.literal('spin'), cycles: address }),
  z.strictObject({ mode: z.literal('adaptive'), cycles: address }),
]);

const serverOptions = z.strictObject({
  buffered: z.enum(['off', 'legacy', 'atomic']).optional(),
  workers: z.enum(['one', 'perVcpu']).optional(),
  waiting: waiting.optional(),
});

/** Numbers of 64 bits: too wide for JSON. */
const u64 = z
  .string()
  .regex(/^0x[0-9a-f]{1,16}$/)
  .transform(BigInt);
const range = z.strictObject({ kind: z.enum(['port', 'memory', 'pci']), start: u64, end: u64 });

/** Programs as text, an operation a line. */
const lines = z.array(z.string().max(4_000)).max(20_000);

const step = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('server'), server: name, options: serverOptions.optional() }),
  z.strictObject({
    ...{ do: z.literal('attach'), server: name, device: z.string().max(200) },
    ...{ options: z.unknown().optional(), at: z.record(z.string(), address) },
  }),
  z.strictObject({
    ...{ do: z.literal('reference'), server: name },
    ...{ ports: z.array(address).max(256), addresses: z.array(address).max(256) },
  }),
  z.strictObject({ do: z.literal('constant'), server: name, value: address }),
  z.strictObject({ do: z.literal('map'), server: name, range }),
  z.strictObject({ do: z.literal('unmap'), server: name, range }),
  z.strictObject({ do: z.literal('enable'), server: name, isEnabled: z.boolean() }),
  z.strictObject({ do: z.literal('close'), server: name.optional() }),
  z.strictObject({ do: z.literal('run'), programs: z.array(lines).min(1).max(16), isSeparate: z.boolean().optional() }),
]);

const fileSchema = z.strictObject({
  format: z.literal('ioreqlab-replay-1'),
  /** Where it was seen. */
  xen: z.string().max(100),
  host: z.string().max(100),
  /** Of the fuzz run that found it. */
  seed: z.number().int().optional(),
  /** The scenario that it is from. */
  scenario: z.string().max(400).optional(),
  environment: environmentSchema,
  vcpus: z.number().int().min(1).max(16),
  steps: z.array(step).min(1).max(10_000),
  /** What it is, in words that are the same for the same cause. */
  signature: z.string().max(1_000),
  /** What the oracle expects and what was seen, line by line. */
  expected: z.array(z.string().max(1_000)).max(100),
  seen: z.array(z.string().max(1_000)).max(100),
});

/** A disagreement that can be shown again. */
export interface Replay {
  readonly xen: string;
  readonly host: string;
  readonly seed?: number | undefined;
  readonly scenario?: string | undefined;
  readonly recipe: Recipe;
  readonly signature: string;
  readonly expected: readonly string[];
  readonly seen: readonly string[];
}

/** Most bytes of a file that is read. */
const maxBytes = 16 * 2 ** 20;

const linesOf = (program: Program): string[] => programToText(program).trimEnd().split('\n');

function stepToJson(one: RecipeStep): object {
  if (one.do === 'run') return { ...one, programs: one.programs.map(linesOf) };
  if (one.do !== 'map' && one.do !== 'unmap') return one;
  const hex = (value: bigint): string => `0x${value.toString(16)}`;
  const { kind, start, end } = one.range;
  return { ...one, range: { kind, start: hex(start), end: hex(end) } };
}

/** A run with a line for each operation; all else in one line. */
function stepToText(one: RecipeStep): string {
  if (one.do !== 'run') return `    ${JSON.stringify(stepToJson(one))}`;
  const { programs, ...rest } = one;
  const texts = programs.map((program) => {
    const operations = linesOf(program).map((line) => `      ${JSON.stringify(line)}`);
    return program.operations.length === 0 ? '[]' : `[\n${operations.join(',\n')}\n    ]`;
  });
  const head = JSON.stringify(rest).slice(0, -1);
  return `    ${head},"programs":[${texts.join(', ')}]}`;
}

/** The file's text: JSON, with a line for each step and each operation. */
export function replayToText({ recipe, ...replay }: Replay): string {
  const { environment, vcpus, steps } = recipe;
  const { expected, seen, signature, ...origin } = replay;
  const head = Object.entries({ format: 'ioreqlab-replay-1', ...origin, environment, vcpus, signature })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)},`);
  const list = (key: string, texts: readonly string[]): string =>
    `  ${JSON.stringify(key)}: [${texts.map((text) => `\n    ${JSON.stringify(text)}`).join(',')}${texts.length === 0 ? '' : '\n  '}]`;
  return [
    '{',
    ...head,
    '  "steps": [',
    steps.map(stepToText).join(',\n'),
    '  ],',
    `${list('expected', expected)},`,
    list('seen', seen),
    '}\n',
  ].join('\n');
}

function invalid(where: string, what: string, cause?: unknown): LabError {
  return new LabError(`${where} is no replay file: ${what}`, {
    ...{ blame: 'usage', code: 'REPLAY_INVALID', cause },
    next: 'give a file that `ioreqlab fuzz` or a scenario that failed has written',
  });
}

/**
 * Reads what {@link replayToText} writes.
 *
 * @throws LabError `REPLAY_INVALID` that says what is wrong with it
 */
export function replayFromText(text: string, where: string): Replay {
  if (text.length > maxBytes) throw invalid(where, `it has ${text.length} characters`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid(where, messageOf(error), error);
  }
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) {
    const faults = parsed.error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
    throw invalid(where, faults.join('; '));
  }
  const { format: _format, environment, vcpus, steps, ...rest } = parsed.data;
  return {
    ...rest,
    recipe: { environment, vcpus, steps: steps.map((one, i) => stepOf(one, vcpus, `step ${i + 1}`, where)) },
  };
}

function stepOf(one: z.infer<typeof step>, vcpus: number, place: string, where: string): RecipeStep {
  if (one.do !== 'run') return one;
  if (one.programs.length > vcpus) throw invalid(where, `${place}: ${one.programs.length} programs for ${vcpus} vCPUs`);
  try {
    return { ...one, programs: one.programs.map((program) => programFromText(program.join('\n'))) };
  } catch (error) {
    if (!isLabError(error)) throw error;
    throw invalid(where, `${place}: ${error.message}`, error);
  }
}

/** @throws LabError `REPLAY_INVALID`; `REPLAY_UNREADABLE` when there is no such file */
export async function readReplay(file: string): Promise<Replay> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new LabError(`${file} cannot be read: ${messageOf(error)}`, { blame: 'usage', code: 'REPLAY_UNREADABLE' });
  });
  return replayFromText(text, file);
}

export async function writeReplay(file: string, replay: Replay): Promise<void> {
  await writeFile(file, replayToText(replay));
}
