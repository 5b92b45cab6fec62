/** What a scenario may take along, the worse the later: nothing, its guest, dom0, or the whole host. */
export const HARMS = ['none', 'guest', 'dom0', 'host'] as const;
export type Harm = (typeof HARMS)[number];

/** True when `harm` is not worse than `most`. */
export function isAtMost(harm: Harm, most: Harm): boolean {
  return HARMS.indexOf(harm) <= HARMS.indexOf(most);
}

/** What a scenario's file says of it: the option `harms` is read as it is written, before anything is run. */
export function harmOf(text: string): Harm {
  const said = /^(?!\s*(?:\*|\/\/)).*\bharms:\s*'([a-z0-9]+)'/m.exec(text)?.[1];
  return HARMS.find((harm) => harm === said) ?? 'none';
}
