import { expect, test } from 'vitest';
import { environmentOf, type HostWords } from './host-environment.ts';

const nothing: HostWords = {
  ...{ info: '', log: '', vcpus: '', idle: '', frequency: '', qemu: '' },
  ...{ os: '', cpu: '', commandLine: '', clocksource: '' },
};

/** As dom0 of Debian 13 says it on an emulated host, and what xenpm says on hardware. */
const words: HostWords = {
  info: 'host                   : dom0\nxen_version            : 4.20.5-pre\nxen_changeset          : \n',
  log: [
    '(XEN) Xen version 4.20.5-pre (Debian 4.20.4+63-g7abfd2bce2-0+deb13u1) (pkg-xen-devel@lists.alioth.debian.org) (gcc 14) debug=n Tue Nov  3',
    '(XEN)   Xen settings: BTI-Thunk: RETPOLINE, SPEC_CTRL: No, Other: BRANCH_HARDEN',
    '',
  ].join('\n'),
  vcpus: [
    'Name                                ID  VCPU   CPU State   Time(s) Affinity (Hard / Soft)',
    'Domain-0                             0     0    0   r--       9.6  0 / all',
    'Domain-0                             0     1    1   -b-       1.5  1-2 / all',
    'ioreqlab-hvm-1                       3     0    1   -b-       1.5  1 / all',
    '',
  ].join('\n'),
  idle: 'Max possible C-state: C1\n\ncpu id               : 0\n',
  frequency: 'cpu id               : 0\ncurrent_governor     : performance\nturbo mode           : enabled\n',
  qemu: 'QEMU emulator version 10.0.13 (Debian 1:10.0.13+ds-0+deb13u1)\nCopyright (c) 2003-2025\n',
  os: 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nNAME="Debian GNU/Linux"\n',
  cpu: 'processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 15\nmodel\t\t: 107\nmodel name\t: QEMU TCG\nstepping\t: 1\nmicrocode\t: 0x1000065\n',
  commandLine: 'root=/dev/vda rw console=hvc0\n',
  clocksource: 'tsc\n',
};

test('every fact that a host tells is found', () => {
  expect(environmentOf(words)).toEqual({
    xen: { host: 'dom0', xen_version: '4.20.5-pre', xen_changeset: '' },
    os: 'Debian GNU/Linux 13 (trixie)',
    cpu: 'QEMU TCG',
    more: {
      xenBuild: '4.20.5-pre (Debian 4.20.4+63-g7abfd2bce2-0+deb13u1)',
      mitigations: 'BTI-Thunk: RETPOLINE, SPEC_CTRL: No, Other: BRANCH_HARDEN',
      commandLine: 'root=/dev/vda rw console=hvc0',
      cpuSignature: 'AuthenticAMD 15/107/1',
      microcode: '0x1000065',
      clocksource: 'tsc',
      dom0Cpus: '0 1-2',
      qemu: '10.0.13 (Debian 1:10.0.13+ds-0+deb13u1)',
      cStates: 'C1',
      governor: 'performance',
      turbo: 'enabled',
    },
  });
  expect(environmentOf({ ...words, idle: 'All C-states allowed\n\ncpu id : 0\n' }).more['cStates']).toBe(
    'All C-states allowed',
  );
});

test('a fact that a host does not tell is not there', () => {
  expect(environmentOf(nothing)).toEqual({ xen: {}, os: '', cpu: '', more: {} });
});
