import type { Run } from './run-schema.ts';

/** A difference from what Xen should do that is explained, and the results in which it was seen. */
export interface KnownDifferenceSeen {
  /** With its source: `a commit of xen.git`, an advisory, or the scenario's own evidence. */
  readonly reason: string;
  readonly results: number;
  /** Of scenarios and of hosts, each once. */
  readonly ids: readonly string[];
  readonly hosts: readonly string[];
  /** How it showed first; text that may come from a guest. */
  readonly seen: string | undefined;
}

/** Each known difference of a run once, in the order in which they were seen. */
export function knownDifferences(run: Run): KnownDifferenceSeen[] {
  const found = new Map<string, { results: number; ids: Set<string>; hosts: Set<string>; seen: string | undefined }>();
  for (const { id, host, verdict, known = [], reason } of run.scenarios) {
    if (verdict !== 'known') continue;
    const all = new Map(known.map((one) => [`${one.reason} (${one.source})`, one.seen]));
    if (all.size === 0) all.set(reason ?? 'no reason given', '');
    for (const [text, seen] of all) {
      const one = found.get(text) ?? { results: 0, ids: new Set(), hosts: new Set(), seen: seen || undefined };
      one.results++;
      one.ids.add(id);
      one.hosts.add(host);
      found.set(text, one);
    }
  }
  return [...found].map(([reason, { ids, hosts, ...rest }]) => ({ reason, ids: [...ids], hosts: [...hosts], ...rest }));
}
