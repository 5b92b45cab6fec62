import { readFile } from 'node:fs/promises';

/**
 * When a process was started, in clock ticks since the machine was: with its id it names a process, for ids are used again.
 * Undefined when there is no such process, or nothing is left of it but its exit code.
 */
export async function startTimeOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // proc_pid_stat(5): the second field is a name in parentheses that may hold anything.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state] = fields ?? [];
  return state === 'Z' || state === 'X' ? undefined : fields?.[19];
}
