import { buildBundle } from '../deploy/bundle.ts';
import type { LabHost } from '../host/lab-host.ts';
import type { ModelHost } from '../host/model/model-host.ts';
import { MachineLab, type Lab } from './lab.ts';
import { ModelLab } from './model-lab.ts';

/** What a lab is opened with. */
export interface OpenLabOptions {
  readonly host: LabHost | ModelHost;
  /** Where `*.device.ts` files are that dom0 has to know. */
  readonly directories: readonly string[];
  readonly serialLog: string;
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

/**
 * A host of one's own, ready for guests.
 *
 * @throws LabError with blame `host` when it cannot be reached, deployed to, or is in use
 */
export async function openLab({ host, directories, serialLog, note, signal }: OpenLabOptions): Promise<Lab> {
  if (host.kind === 'model') return new ModelLab(host.xen);
  const bundle = await buildBundle(directories);
  return await MachineLab.open({ ...{ host, bundle, run: 'fuzz', serialLog, note, signal } });
}
