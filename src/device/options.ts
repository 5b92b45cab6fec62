import { LabError } from '../errors.ts';

/** What is wrong with a value, or undefined. */
export type Check = (value: unknown) => string | undefined;

/** A whole number in a range. */
export const wholeNumber =
  (least: number, most: number): Check =>
  (value) =>
    Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most
      ? undefined
      : `expected a whole number from ${least} to ${most}`;

/** One of some words or numbers. */
export const oneOf =
  (...allowed: readonly (string | number)[]): Check =>
  (value) =>
    allowed.includes(value as string | number) ? undefined : `expected one of ${allowed.map(String).join(', ')}`;

/** A text whose characters are bytes. */
export const latin1 =
  (longest: number): Check =>
  (value) =>
    typeof value === 'string' && value.length <= longest && [...value].every((one) => one.charCodeAt(0) < 256)
      ? undefined
      : `expected at most ${longest} characters, each of one byte`;

/** An object of known names, each of which may be left out. */
export const fields =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'expected an object';
    for (const [name, one] of Object.entries(value)) {
      const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
      const fault = check === undefined ? `there are only: ${Object.keys(checks).join(', ')}` : check(one);
      if (fault !== undefined && one !== undefined) return `${name}: ${fault}`;
    }
    return undefined;
  };

/** An object of any names. */
export const record =
  (check: Check): Check =>
  (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'expected an object';
    for (const [name, one] of Object.entries(value)) {
      const fault = check(one);
      if (fault !== undefined) return `${name}: ${fault}`;
    }
    return undefined;
  };

/**
 * Checks the options of a device: they come from a scenario, as JSON. By hand, since the process in dom0 has no zod: it
 * would double the time to start it.
 *
 * @throws LabError `DEVICE_OPTIONS_INVALID` that names the option
 */
export function checkOptions(device: string, check: Check, options: unknown): void {
  const fault = check(options);
  if (fault === undefined) return;
  throw new LabError(`device ${device}, options: ${fault}`, { blame: 'scenario', code: 'DEVICE_OPTIONS_INVALID' });
}
