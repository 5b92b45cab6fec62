import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { CONTROL, CONTROL_PORT, decodeResults, encodeProgram, ProgramBuilder } from '../program/index.ts';
import { readBootRecord, TestGuest } from '../testing/test-guest.ts';
import { TestMachine } from '../testing/test-machine.ts';

/**
 * A network card's first register is its MAC address: moved over the control port (which QEMU lets PCI ports hide), it
 * answers with a value of our choice.
 */
async function guestWithAnswer(value: number): Promise<TestGuest> {
  const mac = `0${value}:00:00:00:00:01`;
  const guest = await TestGuest.start({ arguments: ['-device', `rtl8139,addr=3,mac=${mac},romfile=`] });
  const bar = 0x8000_1810;
  const command = 0x8000_1804;
  const program = new ProgramBuilder()
    .out(0xcf8, 4, bar)
    .out(0xcfc, 4, CONTROL_PORT)
    .out(0xcf8, 4, command)
    .out(0xcfc, 2, 1)
    .build();
  const sequence = guest.nextSequence();
  guest.place(0, encodeProgram(program, { sequence, vcpu: 0 }), sequence);
  await guest.results(0, sequence, program);
  return guest;
}

describe('the control port', () => {
  it('without an owner: every vCPU stops, one of them says so', { timeout: 60_000 }, async () => {
    await using machine = TestMachine.start({ vcpus: 4 });
    const line = await machine.until('message', () => (machine.console.endsWith('\n') ? machine.console : undefined));
    expect(line).toBe('ioreqlab guest: nobody owns control port 0xe500, 4 vCPUs, pvh, stopped\n');
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

  it('answering run: the program in the window runs each time', { timeout: 60_000 }, async () => {
    await using guest = await guestWithAnswer(CONTROL.run);
    const { machine } = guest;
    const sequence = guest.nextSequence();
    const program = new ProgramBuilder().out(0xe9, 1, 0x2e).build();
    guest.place(0, encodeProgram(program, { sequence, vcpu: 0 }), sequence);
    await machine.until('several runs', () => (/\.{5}/.test(machine.console) ? true : undefined));
    const seen = decodeResults(await guest.results(0, sequence, program), program, { sequence });
    expect(seen.results).toHaveLength(1);
  });

  it('answering stop: nothing runs any more', { timeout: 60_000 }, async () => {
    await using guest = await guestWithAnswer(CONTROL.stop);
    await sleep(100);
    const sequence = guest.nextSequence();
    const program = new ProgramBuilder().out(0xe9, 1, 0x2e).build();
    guest.place(0, encodeProgram(program, { sequence, vcpu: 0 }), sequence);
    await sleep(200);
    expect(guest.machine.console).toBe('');
    expect(guest.machine.exitCode).toBeUndefined();
  });
});
