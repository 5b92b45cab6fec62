import { LabError } from '../errors.ts';

/**
 * Where Xen would stop the machine (BUG, ASSERT) or use what it must not: no answer of the model's, so it is thrown.
 *
 * @param where file and function in Xen, and what it relies on
 */
export function xenBug(where: string): LabError {
  return new LabError(`Xen would not survive this: ${where}`, { blame: 'host', code: 'XEN_BUG' });
}
