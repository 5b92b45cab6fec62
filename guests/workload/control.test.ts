import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { CONSOLE_PORT, CONTROL, CONTROL_PORT, encodeProgram, ProgramBuilder } from '../program/index.ts';
import { readBootRecord, TestGuest } from '../testing/test-guest.ts';
import { TestMachine } from '../testing/test-machine.ts';

/** Prints a dot. */
const dot = (program: ProgramBuilder): ProgramBuilder => program.out(CONSOLE_PORT, 1, 0x2e);

/**
 * A guest whose control port answers `value` once it has printed its first dot. A network card's first register is its
 * MAC address; the program moves it over the control port (QEMU lets PCI ports hide others) and then prints the dot.
 */
async function guestWithAnswer(value: number): Promise<TestGuest> {
  const mac = `0${value}:00:00:00:00:01`;
  const guest = await TestGuest.start({ arguments: ['-device', `rtl8139,addr=3,mac=${mac},romfile=`] });
  const bar = 0x8000_1810;
  const command = 0x8000_1804;
  const move = new ProgramBuilder()
    .out(0xcf8, 4, bar)
    .out(0xcfc, 4, CONTROL_PORT)
    .out(0xcf8, 4, command)
    .out(0xcfc, 2, 1);
  const sequence = guest.nextSequence();
  guest.place(0, encodeProgram(dot(move).build(), { sequence, vcpu: 0 }), sequence);
  return guest;
}

describe('the control port', () => {
  it('without an owner: every vCPU stops, one of them says so', { timeout: 60_000 }, async () => {
    await using machine = TestMachine.start({ vcpus: 4 });
    const line = await machine.until('message', () => (machine.console.endsWith('\n') ? machine.console : undefined));
    // On a busy machine the first may say so before the last is up.
    expect(line).toMatch(/^ioreqlab guest: nobody owns control port 0xe500, [1-4] vCPUs, pvh, stopped\n$/);
    await sleep(50);
    expect(machine.console).toBe(line);
  });

  it('without an owner, for a single vCPU', { timeout: 60_000 }, async () => {
    await using machine = TestMachine.start();
    await machine.until('message', () => (/ 1 vCPUs, pvh/.test(machine.console) ? true : undefined));
    const boot = readBootRecord(machine);
    expect(boot).toMatchObject({ environment: 'pvh', vcpus: [0], xenVersion: undefined });
    expect(boot?.bootCycles).toBeGreaterThan(0);
  });

  it('answering run: the program in the window runs again and again', { timeout: 60_000 }, async () => {
    await using guest = await guestWithAnswer(CONTROL.run);
    const { machine } = guest;
    await machine.until('several runs', () => (machine.console.startsWith('.....') ? true : undefined));
  });

  it('answering stop: nothing runs any more', { timeout: 60_000 }, async () => {
    await using guest = await guestWithAnswer(CONTROL.stop);
    await guest.machine.until('the last run', () => (guest.machine.console === '.' ? true : undefined));
    await sleep(50);
    const sequence = guest.nextSequence();
    guest.place(0, encodeProgram(dot(new ProgramBuilder()).build(), { sequence, vcpu: 0 }), sequence);
    await sleep(100);
    expect(guest.machine.console).toBe('.');
    expect(guest.machine.exitCode).toBeUndefined();
  });
});
