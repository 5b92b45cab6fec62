import { expect, it } from 'vitest';
import { fakeGuest, FakeXen } from './fake/fake-xen.ts';

const xen = new FakeXen('4.10');

it('a Xen without resource mapping is refused before anything is opened', () => {
  expect(xen.addon.missing().map(({ function: name, since }) => `${name} ${since}`)).toEqual([
    'xendevicemodel_modified_memory_bulk 4.12',
    'xendevicemodel_nr_vcpus 4.15',
    'xenforeignmemory_map_resource 4.11',
    'xenforeignmemory_unmap_resource 4.11',
  ]);
  const message = "xenforeignmemory_map_resource is not in this host's libxenforeignmemory.so.1: it came with Xen 4.11";
  expect(() => xen.addon.open(fakeGuest.domid, 1)).toThrow(message);
  expect(xen.held().handles).toBe(0);
});
