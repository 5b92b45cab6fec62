import type { Run } from './run-schema.ts';

/** What every report of a run says that had the model among its hosts: its verdicts are about the library, not about Xen. */
export function modelNotes({ hosts }: Pick<Run, 'hosts'>): readonly string[] {
  const names = hosts.filter(({ kind }) => kind === 'model').map(({ name }) => name);
  return names.length === 0 ? [] : [`not Xen but the model of it: ${names.join(', ')}`];
}
