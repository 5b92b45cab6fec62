import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { messageOf } from '../../errors.ts';

const numbers = constants.errno as Readonly<Record<string, number | undefined>>;
const texts = new Map([...getSystemErrorMap().values()]);

/** The Error that the native addon throws when a call of libxen fails: js_throw_call in src/native/js.c. */
export function callError(call: string, code: string): Error {
  const error = new Error(`${call}: ${texts.get(code) ?? 'unknown error'} (${code})`);
  return Object.assign(error, { code, errno: numbers[code] ?? 0, call });
}

/** Makes a call; what Xen refuses names the function of libxen, as the native addon does. */
export function xenCall<T>(call: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code in numbers) {
      throw callError(call, error.code);
    }
    throw error instanceof Error ? error : new Error(messageOf(error));
  }
}
