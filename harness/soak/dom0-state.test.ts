import { expect, it } from 'vitest';
import { growth, xenComplaints, type Dom0State } from './dom0-state.ts';

const before: Dom0State = {
  ...{ domains: ['ioreqlab-pvh-1'], freeMemoryMiB: 1000, eventChannels: 100, agentDescriptors: 20, processes: 18 },
};

it('what grows is told, what stays or shrinks is not', () => {
  expect(growth(before, before)).toEqual([]);
  expect(growth(before, { ...before, freeMemoryMiB: 1100, eventChannels: 50, processes: 10 })).toEqual([]);
  expect(growth(before, { ...before, freeMemoryMiB: 900 })).toEqual(['MiB of memory in use grew by 100']);
  expect(growth(before, { ...before, eventChannels: 110, agentDescriptors: 30, processes: 30 })).toEqual([
    'event channels grew by 10',
    "the agent's descriptors grew by 10",
    'processes grew by 12',
  ]);
  expect(growth(before, { ...before, domains: ['ioreqlab-pvh-1', '(null)'] })).toEqual([
    '1 zombie domains',
    'domains: ioreqlab-pvh-1, (null)',
  ]);
});

it('of Xen’s log, what a device model that dies must not cause', () => {
  const bad = [
    '(XEN) d3v1 Weird HVM ioreq state transition 2 -> 1',
    '(XEN) d3 device model set bad IO state 4',
    '(XEN) domain_crash called from emulate.c:123',
    '(XEN) Domain 3 (vcpu#0) crashed on cpu#1:',
    '(XEN) Xen WARN at common/domain.c:1',
    '(XEN) Panic on CPU 0:',
  ];
  const good = [
    '(XEN) HVM d3v0 save: CPU',
    '(d3) guest: WARN is my word',
    '(XEN) common/grant_table.c:1909:d3v0 Expanding',
  ];
  expect(xenComplaints([...good, ...bad].join('\n'))).toEqual(bad);
});
