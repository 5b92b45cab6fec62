import type { Crashed } from '../../results/index.ts';

/** What Xen and dom0's kernel print on the console when they die, and who that means. */
const signatures: readonly { readonly pattern: RegExp; readonly crashed: Extract<Crashed, 'dom0' | 'xen'> }[] = [
  // xen/drivers/char/console.c, panic()
  { pattern: /^\(XEN\).*Panic on CPU \d+:/, crashed: 'xen' },
  { pattern: /^\(XEN\).*(?:FATAL TRAP|FATAL PAGE FAULT|Xen BUG at)/, crashed: 'xen' },
  // xen/common/shutdown.c, hwdom_shutdown()
  { pattern: /^\(XEN\).*Hardware Dom0 (?:crashed|halted|shutdown)/, crashed: 'dom0' },
  // linux kernel/panic.c
  { pattern: /Kernel panic - not syncing/, crashed: 'dom0' },
];

/** The first line of a console that tells of a death, and whose. Matches line by line: guests' lines carry `(dN)`. */
export function findCrash(
  console: string,
): { readonly crashed: Extract<Crashed, 'dom0' | 'xen'>; readonly line: string } | undefined {
  for (const line of console.split(/\r?\n/)) {
    if (/^\(d\d+\)/.test(line)) continue;
    const found = signatures.find(({ pattern }) => pattern.test(line));
    if (found !== undefined) return { crashed: found.crashed, line: line.slice(0, 300) };
  }
  return undefined;
}
