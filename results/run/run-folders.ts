import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileName } from './file-name.ts';
import { metricFrom, type Quantity } from '../metric.ts';
import type { Metric } from '../run-schema.ts';
import { samplesExtension, writeSamples, type RawSamples } from './samples.ts';
import { attemptDirectory, type ScenarioPlace } from './scenario-place.ts';

/** Where things go in a run. Needs only the run's directory, so that other processes of the same run can use it too. */
export interface AttemptPlace extends ScenarioPlace {
  /** From 1. */
  readonly attempt: number;
}

/** The directory for a host's `env.json`, `serial.log`, `xen.log`; made if need be. */
export function hostDirectory(runDirectory: string, host: string): string {
  return made(join(runDirectory, 'hosts', fileName(host)));
}

/**
 * The directory for what one attempt leaves behind (trace, programs, guest console, device-model log); made if need be. All
 * that lies there when the run ends is listed in `run.json`.
 */
export function scenarioDirectory(runDirectory: string, place: AttemptPlace): string {
  return made(join(runDirectory, attemptDirectory(place, place.attempt)));
}

/**
 * Keeps all samples of a quantity beside the attempt and gives back their summary, which names the file. Throws a LabError
 * for no samples at all, and for NaN.
 */
export async function recordSamples(
  runDirectory: string,
  place: AttemptPlace,
  quantity: Quantity,
  samples: RawSamples,
): Promise<Metric> {
  const metric = metricFrom(quantity, samples);
  const file = `${fileName(quantity.name)}.${samplesExtension(samples)}`;
  await writeSamples(join(scenarioDirectory(runDirectory, place), file), samples);
  return { ...metric, samples: `${attemptDirectory(place, place.attempt)}/${file}` };
}

function made(directory: string): string {
  mkdirSync(directory, { recursive: true });
  return directory;
}
