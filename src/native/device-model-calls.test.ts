import { describe, expect, it } from 'vitest';
import { fakeGuest, FakeXen } from './fake/fake-xen.ts';

const xen = new FakeXen();
const { addon } = xen;
const ESRCH = 3;
const usage = expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' }) as Error;

describe('what a device tells the guest', () => {
  it('takes a guest', () => {
    expect(() => addon.injectMsi(0, 0)).toThrow('open() was not called');
    expect(() => addon.allowIsaInterrupts()).toThrow('open() was not called');
    addon.open(fakeGuest.domid, fakeGuest.vcpus);
  });

  it('is no ISA interrupt unless the guest is known to have them: Xen would crash', () => {
    expect(addon.hasIsaInterrupts()).toBe(false);
    expect(() => addon.setIsaIrqLevel(4, 1)).toThrow('the guest has no ISA interrupts: Xen would crash');
    expect(() => addon.setPciLinkRoute(0, 5)).toThrow('the guest has no ISA interrupts: Xen would crash');
    expect(xen.told()).toEqual([]);
    addon.allowIsaInterrupts();
    expect(addon.hasIsaInterrupts()).toBe(true);
  });

  it('reaches Xen as it is said', () => {
    addon.setIsaIrqLevel(15, 1);
    addon.setPciIntxLevel(31, 3, 0);
    addon.setPciLinkRoute(3, 11);
    addon.injectMsi(0xfee0_1000, 0xffff_ffff);
    addon.injectMsi(2 ** 53 - 1, 0);
    addon.injectEvent(7, 0x20, 0, 0, 0, 0);
    expect(xen.told()).toEqual([
      ['isa', 15, 1, 0],
      ['intx', 31, 3, 0],
      ['link', 3, 11, 0],
      ['msi', 0xfee0_1000, 0xffff_ffff, 0],
      ['msi', 2 ** 53 - 1, 0, 0],
      ['event', 7, 0x20, 0],
    ]);
  });

  it('is refused when it is nonsense, before Xen hears of it', () => {
    for (const wrong of [
      () => addon.setIsaIrqLevel(16, 1),
      () => addon.setIsaIrqLevel(1, 2),
      () => addon.setPciIntxLevel(32, 0, 0),
      () => addon.setPciIntxLevel(0, 4, 0),
      () => addon.setPciIntxLevel(0, 0, 2),
      () => addon.setPciLinkRoute(4, 0),
      () => addon.setPciLinkRoute(0, 16),
      () => addon.injectMsi(-1, 0),
      () => addon.injectMsi(0, 2 ** 32),
      () => addon.injectEvent(fakeGuest.vcpus, 0, 0, 0, 0, 0),
      () => addon.injectEvent(0, 256, 0, 0, 0, 0),
      () => addon.injectEvent(0, 0, 0, 0, 16, 0),
      () => (addon.injectMsi as (address: number) => void)(0),
    ]) {
      expect(wrong).toThrow(usage);
    }
    expect(xen.told()).toEqual([]);
  });

  it('says what Xen said when it fails', () => {
    for (const [name, call] of [
      ['xendevicemodel_set_isa_irq_level', () => addon.setIsaIrqLevel(1, 1)],
      ['xendevicemodel_set_pci_intx_level', () => addon.setPciIntxLevel(1, 1, 1)],
      ['xendevicemodel_set_pci_link_route', () => addon.setPciLinkRoute(1, 1)],
      ['xendevicemodel_inject_msi', () => addon.injectMsi(1, 1)],
      ['xendevicemodel_inject_event', () => addon.injectEvent(1, 1, 1, 1, 1, 1)],
      ['xendevicemodel_modified_memory_bulk', () => addon.modifiedMemory(Float64Array.of(1), 1)],
    ] as const) {
      xen.failNext(name, ESRCH);
      expect(call).toThrow(expect.objectContaining({ call: name, errno: ESRCH, code: 'ESRCH' }) as Error);
    }
  });
});

describe('memory that was written', () => {
  it('is told as stretches', () => {
    addon.modifiedMemory(Float64Array.of(5, 6, 7, 2 ** 40, 6, 9), 5);
    addon.modifiedMemory(Float64Array.of(1), 0);
    expect(xen.told()).toEqual([
      ['modified', 5, 3, 0],
      ['modified', 2 ** 40, 1, 0],
      ['modified', 6, 1, 0],
    ]);
  });

  it('is told in parts when there are many stretches', () => {
    const frames = Float64Array.from({ length: 200 }, (_, i) => 2 * i);
    const before = xen.calls('xendevicemodel_modified_memory_bulk');
    addon.modifiedMemory(frames, 200);
    expect(xen.told()).toEqual([...frames].map((frame) => ['modified', frame, 1, 0]));
    expect(xen.calls('xendevicemodel_modified_memory_bulk') - before).toBe(4);
  });

  it('is a list of frames', () => {
    const call = addon.modifiedMemory as (frames: unknown, count: unknown) => void;
    for (const [frames, count] of [
      [Float64Array.of(1), 2],
      [Float64Array.of(-1), 1],
      [Float64Array.of(NaN), 1],
      [Float64Array.of(Infinity), 1],
      [new Uint32Array(1), 1],
      [[1], 1],
      [new Float64Array(1), -1],
    ]) {
      expect(() => call(frames, count)).toThrow(usage);
    }
    expect(xen.told()).toEqual([]);
  });
});

describe('PCI functions of a server', () => {
  it('are mapped and unmapped by their SBDF', () => {
    const server = addon.createServer();
    const id = addon.serverId(server);
    addon.mapPciFunction(server, 0x0001_02fb);
    expect(xen.pciFunctions(id)).toEqual([0x0001_02fb]);
    expect(() => addon.mapPciFunction(server, 0x0001_02fb)).toThrow(/EEXIST/);
    addon.unmapPciFunction(server, 0x0001_02fb);
    expect(xen.pciFunctions(id)).toEqual([]);
    expect(() => addon.unmapPciFunction(server, 1)).toThrow(/ENOENT/);
    expect(() => addon.mapPciFunction(server, 2 ** 32)).toThrow(usage);
    addon.closeServer(server);
  });
});
