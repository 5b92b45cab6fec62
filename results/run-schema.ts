import { z } from 'zod';
import { countVerdicts, VERDICTS } from './verdict.ts';

/**
 * The shape of `run.json`, schema 1. Fields may be added, and readers ignore what they do not know; a field that changes
 * its meaning needs schema 2. `run.schema.json` is the same as JSON Schema, for other languages.
 */

/** Text of one line, as a name: never empty, no control characters, bounded. */
const name = z
  .string()
  .min(1)
  .max(500)
  .regex(/^\P{Cc}+$/u, 'control characters in a name');
const time = z.iso.datetime();
const count = z.int().nonnegative();
const milliseconds = z.number().nonnegative();
const params = z.record(name, z.union([z.string(), z.number(), z.boolean()]));

/** A path below the run's directory, with `/`; it can never lead out of it. */
const insidePath = z
  .string()
  .min(1)
  .max(4000)
  .regex(/^(?!\/)(?!.*(?:^|\/)\.\.?(?:\/|$))[^\\\p{Cc}]+$/u, 'not a path inside the run directory');

const timing = z.enum(['exact', 'wall']);
/** `none`: the model of Xen, in which nothing takes time that means anything. */
const hostTiming = z.enum([...timing.options, 'none']);
const crashed = z.enum(['guest', 'deviceModel', 'dom0', 'xen']);
const ended = z.enum(['completed', 'interrupted', 'outOfTime']);

const problem = z.object({
  blame: z.enum(['usage', 'host', 'guest', 'deviceModel', 'scenario', 'harness']),
  code: name,
  message: z.string(),
  /** What to type or do next. */
  next: z.string().optional(),
  /** Console tail, difference, stack: whatever shows that it is so. May come from a guest: untrusted. */
  evidence: z.string().optional(),
});

const metric = z
  .object({
    /** `<topic>.<what>`, such as `ladder.ts`. */
    name,
    unit: z.enum(['instructions', 'ns', 'cycles', 'perSecond', 'bytes', 'count', 'ratio']),
    /**
     * `exact`: repeatable, from an emulated host under icount; `wall`: from a clock. The two are never compared. Always
     * written; where it is missing, the unit says it.
     */
    kind: timing.optional(),
    n: count,
    min: z.number().optional(),
    mean: z.number().optional(),
    p50: z.number(),
    p90: z.number(),
    p99: z.number(),
    p999: z.number(),
    max: z.number(),
    /** File with every sample, if they were kept. */
    samples: insidePath.optional(),
  })
  .transform((given) => ({ ...given, kind: given.kind ?? (given.unit === 'instructions' ? 'exact' : 'wall') }))
  .refine(({ unit, kind }) => (unit === 'instructions' ? kind === 'exact' : true), {
    path: ['kind'],
    error: 'instructions are counted only in exact timing',
  })
  .refine(({ unit, kind }) => (unit === 'ns' || unit === 'cycles' || unit === 'perSecond' ? kind === 'wall' : true), {
    path: ['kind'],
    error: 'ns, cycles and rates come only from wall timing',
  })
  .refine(({ p50, p90, p99, p999, max }) => p50 <= p90 && p90 <= p99 && p99 <= p999 && p999 <= max, {
    path: ['p50'],
    error: 'quantiles out of order',
  });

const phase = z.object({ name, durationMs: milliseconds });

const host = z
  .object({
    name,
    /** `model`: no Xen at all, but the model of it, in the process of the tests. */
    kind: z.enum(['emulated', 'ssh', 'model']),
    timing: hostTiming,
    /** Absent if the host was never reached. */
    xen: z
      .object({
        version: z.string(),
        changeset: z.string().optional(),
        buildId: z.string().optional(),
        commandLine: z.string().optional(),
      })
      .optional(),
    dom0: z.object({ kernel: z.string(), commandLine: z.string().optional() }).optional(),
    /** Everything else that can change a result: processor, microcode, scheduler, QEMU, Node. Long form: `env.json`. */
    env: z.record(name, z.union([z.string(), z.number(), z.boolean()])).optional(),
    /** How long it took to become usable, step by step. */
    phases: z.array(phase).optional(),
    /** Why scenarios could not run, or no longer run, on it. */
    error: problem.optional(),
    /** Set if it died outside of any scenario. */
    crashed: crashed.extract(['dom0', 'xen']).optional(),
  })
  .refine(({ kind, timing }) => (kind === 'model') === (timing === 'none'), {
    path: ['timing'],
    error: 'none is the time of the model, and of nothing else',
  });

const knownSeen = z.object({
  /** What is different, and why. */
  reason: z.string(),
  /** A commit of xen.git, an advisory; `evidence` when the scenario has shown it itself. */
  source: z.string(),
  /** How it showed. May come from a guest: untrusted. */
  seen: z.string(),
});

const artifact = z.object({ path: insidePath, bytes: count });

const scenario = z
  .object({
    id: name,
    title: z.string().optional(),
    host: name,
    /** What distinguishes its variants, such as `environment: 'pvh'`. */
    params,
    /** 1, 2, ... when the same variant ran several times on purpose; absent if it ran once. */
    repetition: z.int().min(1).optional(),
    verdict: z.enum(VERDICTS),
    /** Who died. Present exactly when the verdict is `crash`. */
    crashed: crashed.optional(),
    /** Why it was skipped, is known or was not run. */
    reason: z.string().optional(),
    /** The differences that were seen and are explained; `reason` has them in a line. */
    known: z.array(knownSeen).optional(),
    /** Why it is not a pass. */
    error: problem.optional(),
    /** What went wrong in the attempts before the last. */
    earlierErrors: z.array(problem).optional(),
    startedAt: time.optional(),
    durationMs: milliseconds,
    /** How often it was tried; 0 if never. */
    attempts: count,
    artifacts: z.array(artifact),
    metrics: z.array(metric),
  })
  .refine((record) => (record.verdict === 'crash') === (record.crashed !== undefined), {
    path: ['crashed'],
    error: 'goes with the verdict crash, and only with it',
  });

const countsShape = Object.fromEntries(VERDICTS.map((verdict) => [verdict, count])) as Record<
  (typeof VERDICTS)[number],
  typeof count
>;

/** `run.json`, checked: shapes, order of quantiles, and that counts and host names agree with the scenarios. */
export const runSchema = z
  .object({
    schema: z.literal(1),
    id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'not a run id'),
    startedAt: time,
    finishedAt: time,
    /** How it came to an end; absent in runs that were written before it was recorded. */
    ended: ended.optional(),
    exitCode: count.optional(),
    /** The call that made the run, one argument each. */
    command: z.array(z.string()).optional(),
    ioreqlab: z.object({ version: z.string(), commit: z.string().optional() }).optional(),
    /** To be shown on top of every report, such as "sample data, not measured". */
    notes: z.array(z.string()).optional(),
    phases: z.array(phase).optional(),
    hosts: z.array(host),
    counts: z.object(countsShape),
    scenarios: z.array(scenario),
  })
  .superRefine((run, context) => {
    const counted = countVerdicts(run.scenarios);
    for (const verdict of VERDICTS) {
      if (run.counts[verdict] !== counted[verdict]) {
        const message = `says ${run.counts[verdict]}, but ${counted[verdict]} scenarios have this verdict`;
        context.addIssue({ code: 'custom', path: ['counts', verdict], message });
      }
    }
    const kinds = new Map(run.hosts.map((one) => [one.name, one.kind]));
    run.scenarios.forEach((record, index) => {
      if (kinds.get(record.host) === 'model' && record.metrics.length > 0) {
        const message = 'the model of Xen measures nothing';
        context.addIssue({ code: 'custom', path: ['scenarios', index, 'metrics'], message });
      }
      if (kinds.has(record.host)) return;
      context.addIssue({
        code: 'custom',
        path: ['scenarios', index, 'host'],
        message: 'not among the hosts of the run',
      });
    });
  });

/** A finished run, as in `run.json`. */
export type Run = z.infer<typeof runSchema>;
/** One scenario on one host in one variant. */
export type ScenarioRecord = z.infer<typeof scenario>;
/** One host of the run and its environment. */
export type HostRecord = z.infer<typeof host>;
/** The distribution of one measured quantity; never without unit and kind. */
export type Metric = z.infer<typeof metric>;
/** The unit of a metric. */
export type Unit = Metric['unit'];
/** The two kinds of time, which are never mixed. */
export type Timing = z.infer<typeof timing>;
/** The kind of time of a host; `none` for the model, which has no metrics. */
export type HostTiming = z.infer<typeof hostTiming>;
/** An error as recorded: who has to act, what happened, what to do next. */
export type Problem = z.infer<typeof problem>;
/** A difference from what Xen should do that was seen, and what explains it. */
export type KnownSeen = z.infer<typeof knownSeen>;
/** A file of a scenario: its path below the run's directory, and its size. */
export type Artifact = z.infer<typeof artifact>;
/** A step and how long it took. */
export type Phase = z.infer<typeof phase>;
/** What distinguishes the variants of a scenario, by name. */
export type Params = z.infer<typeof params>;
/** Who died. */
export type Crashed = z.infer<typeof crashed>;
/** How a run came to an end. */
export type Ended = z.infer<typeof ended>;
