import { describe, expect, it } from 'vitest';
import { findCrash } from './crash-signatures.ts';

describe('a console', () => {
  for (const [line, crashed] of [
    ['(XEN) Panic on CPU 0:', 'xen'],
    ['(XEN) [2026-01-02 03:04:05] Panic on CPU 12:', 'xen'],
    ['(XEN) [   12.345678] FATAL TRAP: vec 13, #GP[0000]', 'xen'],
    ['(XEN) FATAL PAGE FAULT', 'xen'],
    ['(XEN) Xen BUG at arch/x86/hvm/emulate.c:123', 'xen'],
    ['(XEN) Hardware Dom0 crashed: rebooting machine in 5 seconds.', 'dom0'],
    ['(XEN) Hardware Dom0 halted: halting machine', 'dom0'],
    ['(XEN) Hardware Dom0 shutdown: rebooting machine', 'dom0'],
    ['[    3.141592] Kernel panic - not syncing: Fatal exception', 'dom0'],
  ] as const) {
    it(`tells of the death of ${crashed}: ${line}`, () => {
      expect(findCrash(`booting\r\n${line}\r\nmore\n`)).toEqual({ crashed, line });
    });
  }

  it('that tells of no death is none, whatever guests print', () => {
    for (const text of [
      '',
      '(XEN) Brought up 2 CPUs\nlogin:',
      '(d7) (XEN) Panic on CPU 0:',
      '(d7) Kernel panic - not syncing: only a guest',
      'see (XEN) Panic on CPU 0: in the manual',
      '(XEN) d7v0 Triple fault - invoking HVM shutdown action 1',
    ]) {
      expect(findCrash(text)).toBeUndefined();
    }
  });

  it('is told by its first death, in a line of a bearable length', () => {
    const text = `x\n(XEN) Xen BUG at ${'y'.repeat(5000)}\n(XEN) Panic on CPU 0:\n`;
    expect(findCrash(text)).toMatchObject({
      crashed: 'xen',
      line: expect.stringMatching(/^\(XEN\) Xen BUG at y{200}/),
    });
    expect(findCrash(text)?.line).toHaveLength(300);
  });
});
