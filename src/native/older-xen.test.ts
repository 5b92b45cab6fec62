import { expect, it } from 'vitest';
import { toWire } from '../wire-error.ts';
import { fakeGuest, FakeXen } from './fake/fake-xen.ts';

const { addon } = new FakeXen('4.14');

it('what Xen 4.14 lacks is named, with the release that brought it, and all else works', () => {
  expect(addon.missing()).toEqual([
    { function: 'xendevicemodel_nr_vcpus', library: 'libxendevicemodel.so.1', since: '4.15' },
  ]);
  addon.open(fakeGuest.domid, fakeGuest.vcpus);
  const message = "xendevicemodel_nr_vcpus is not in this host's libxendevicemodel.so.1: it came with Xen 4.15";
  const thrown = expect.objectContaining({ code: 'XEN_FUNCTION_MISSING', message }) as Error;
  expect(() => addon.nrVcpus()).toThrow(thrown);
  const server = addon.createServer();
  addon.enableServer(server, true);
  addon.closeServer(server);
});

it('the host is to blame for it', () => {
  let wire: unknown;
  try {
    addon.nrVcpus();
  } catch (error) {
    wire = toWire(error);
  }
  expect(wire).toMatchObject({ blame: 'host', code: 'XEN_FUNCTION_MISSING' });
});
