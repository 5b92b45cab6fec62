import { LabError } from '../../errors.ts';

/** The code of {@link notOnModel}: by it the harness skips a scenario, with the reason, instead of judging it. */
export const notOnModelCode = 'NOT_ON_MODEL';

/** The error for what only real Xen can show. */
export function notOnModel(what: string): LabError {
  return new LabError(`not on the model: ${what}`, {
    blame: 'scenario',
    code: notOnModelCode,
    next: 'run it on real Xen: ioreqlab run --xen 4.20',
  });
}
