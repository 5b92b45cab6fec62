import { oneOf } from '../options.ts';
import { memory, port, type Region, type RegionOptions } from '../region.ts';

/** Where a stock device's region is: ports or memory. */
export type Space = 'port' | 'memory';

/** Checks an option of type {@link Space}. */
export const isSpace = oneOf('port', 'memory');

/** The region of that kind. */
export const regionIn = (space: Space, options: RegionOptions): Region =>
  space === 'port' ? port(options) : memory(options);
