import { LabError } from '../../../src/errors.ts';
import { defaultXenVersion, xenVersions, type XenVersion } from '../emulated/xen-versions.ts';

/** Xen as src/model has it: no machine, no privileges, no time. Its scenarios run in the worker that loads them. */
export interface ModelHost {
  readonly name: string;
  readonly kind: 'model';
  readonly timing: 'none';
  /** The version that it behaves like. */
  readonly xen: XenVersion;
}

const prefix = 'model';

/** Every model there is, the default first. */
export const modelHosts: readonly ModelHost[] = xenVersions.map((xen) => ({
  ...({ name: `${prefix}-${xen}`, kind: 'model', timing: 'none', xen } as const),
}));

/**
 * The model that a name of a host means: `model-4.17`, or `model` for that of the default version. Undefined for any
 * other name.
 *
 * @throws LabError `XEN_UNKNOWN` for a model of a version that there is none of
 */
export function modelHostNamed(name: string): ModelHost | undefined {
  const wanted = name === prefix ? `${prefix}-${defaultXenVersion}` : name;
  const found = modelHosts.find((host) => host.name === wanted);
  if (found !== undefined || !/^model-\d/.test(name)) return found;
  throw new LabError(`there is no ${name}; there are: ${modelHosts.map((host) => host.name).join(', ')}`, {
    blame: 'usage',
    code: 'XEN_UNKNOWN',
    next: `choose one of them, such as --host ${prefix}-${defaultXenVersion}`,
  });
}
