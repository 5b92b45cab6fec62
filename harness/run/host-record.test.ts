import { expect, test, vi } from 'vitest';
import { environmentOf } from '../../src/agent/host-environment.ts';
import { sshLabHost } from '../host/ssh/ssh-lab-host.ts';
import { hostRecord } from './host-record.ts';

const lab = sshLabHost({
  ...{ name: 'lab', kind: 'ssh', timing: 'wall', guestCpus: '2-3' },
  target: { address: 'lab', port: 22, user: 'root', privateKeyFile: '/key', hostKeys: [] },
});

const words = {
  ...{ vcpus: '', idle: '', frequency: '', qemu: 'QEMU emulator version 9.1', os: '', cpu: '', clocksource: 'tsc' },
  info: 'xen_version : 4.20.5-pre\nxen_changeset : \nnr_cpus : 8\n',
  log: '(XEN) Xen version 4.20.5-pre (Debian 4.20.4+63-g7abfd2bce2-0+deb13u1) (x@y) debug=n\n',
  commandLine: 'quiet',
};
const environment = { ...environmentOf(words), kernel: '6.12.1', node: 'v20.20.2', missing: [] };

test('a record has all that can change a figure', () => {
  const machine = { guestCpus: '2-3', facts: { emulator: 'QEMU 7.2' } };
  const record = hostRecord(lab, { phases: [], environment, machine, error: undefined });
  expect(record.xen).toEqual({ version: '4.20.5-pre', changeset: '7abfd2bce2' });
  expect(record.dom0).toEqual({ kernel: '6.12.1', commandLine: 'quiet' });
  expect(record.env).toMatchObject({
    ...{ node: 'v20.20.2', processors: 8, qemu: '9.1', clocksource: 'tsc', guestCpus: '2-3', emulator: 'QEMU 7.2' },
  });
  expect(record.env).not.toHaveProperty('commandLine');
});

test('what was made slower on purpose is seen beside the figures', () => {
  vi.stubEnv('IOREQLAB_PERTURB', 'turns=100');
  const record = hostRecord(lab, { phases: [], environment, machine: undefined, error: undefined });
  vi.unstubAllEnvs();
  expect(record.env).toMatchObject({ perturbed: 'turns=100' });
  const plain = hostRecord(lab, { phases: [], environment, machine: undefined, error: undefined });
  expect(plain.env).not.toHaveProperty('perturbed');
});

test("Xen's own word for its changeset comes first", () => {
  const told = { ...environment, xen: { ...environment.xen, xen_changeset: 'Tue Nov 3 git:0123456789' } };
  const record = hostRecord(lab, { phases: [], environment: told, machine: undefined, error: undefined });
  expect(record.xen?.changeset).toBe('Tue Nov 3 git:0123456789');
  expect(record.env).not.toHaveProperty('guestCpus');
});
