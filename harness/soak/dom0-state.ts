import type { SshConnection } from '../host/ssh/ssh-connection.ts';

/** What must not grow, whatever is killed. */
export interface Dom0State {
  /** Names of the domains but dom0, `(null)` for a zombie. */
  readonly domains: readonly string[];
  readonly freeMemoryMiB: number;
  readonly eventChannels: number;
  /** Open descriptors of the agent. */
  readonly agentDescriptors: number;
  /** Processes of dom0, without the kernel's. */
  readonly processes: number;
}

const script = `
xl list | awk 'NR > 1 && $2 != 0 { print "domain " $1 }'
xl info | awk '/^free_memory/ { print "free " $3 }'
echo "channels $($(ls -d /usr/lib/xen-*/bin/lsevtchn | head -n 1) 0 | wc -l)"
for pid in $(pgrep -f '/agent[.]mjs'); do echo "descriptors $(ls /proc/$pid/fd | wc -l)"; done
echo "processes $(ps -eo ppid= | awk '$1 != 2 { n++ } END { print n }')"
`;

/** @throws Error when dom0 says less than that */
export async function dom0State(ssh: SshConnection): Promise<Dom0State> {
  const { stdout, stderr } = await ssh.run(['sh', '-c', script], AbortSignal.timeout(60_000));
  const values = (key: string): string[] =>
    [...stdout.matchAll(new RegExp(`^${key} (.+)$`, 'gm'))].map(([, v = '']) => v);
  const number = (key: string): number => {
    const [value = ''] = values(key);
    if (!/^\d+$/.test(value)) throw new Error(`dom0 does not tell its ${key}:\n${stdout}${stderr}`);
    return Number(value);
  };
  return {
    domains: values('domain'),
    freeMemoryMiB: number('free'),
    eventChannels: number('channels'),
    agentDescriptors: number('descriptors'),
    processes: number('processes'),
  };
}

/** What has grown from one state to a later one, with the same guests in both. */
export function growth(before: Dom0State, after: Dom0State): string[] {
  const found: string[] = [];
  const compare = (what: string, from: number, to: number, slack: number): void => {
    if (to > from + slack) found.push(`${what} grew by ${to - from}`);
  };
  compare('MiB of memory in use', -before.freeMemoryMiB, -after.freeMemoryMiB, 2);
  compare('event channels', before.eventChannels, after.eventChannels, 4);
  compare("the agent's descriptors", before.agentDescriptors, after.agentDescriptors, 4);
  compare('processes', before.processes, after.processes, 4);
  const zombies = after.domains.filter((name) => name === '(null)');
  if (zombies.length > 0) found.push(`${zombies.length} zombie domains`);
  if (after.domains.length > before.domains.length) found.push(`domains: ${after.domains.join(', ')}`);
  return found;
}

/** Lines of Xen's log that a device model which dies must not cause. */
export function xenComplaints(log: string): string[] {
  return log
    .split('\n')
    .filter((line) => /^\(XEN\)/.test(line))
    .filter((line) =>
      /\bWeird HVM|device model set bad|domain_crash|Domain \d+ .*crashed|BUG|WARN|Assert|panic|FATAL/i.test(line),
    );
}
