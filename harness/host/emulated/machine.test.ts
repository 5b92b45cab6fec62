import { expect, test } from 'vitest';
import { machineArguments, type Machine } from './machine.ts';

const machine: Machine = {
  timing: 'exact',
  accelerator: 'tcg',
  serial: { log: '/tmp/serial.log' },
  sshPort: 2222,
  start: 'restore',
};

/** The arguments after each occurrence of an option. */
function after(option: string, words: readonly string[]): string[] {
  return words.filter((_, index) => words[index - 1] === option);
}

test('exact timing counts instructions on one thread', () => {
  const words = machineArguments(machine);
  expect(after('-icount', words)).toEqual(['shift=0,sleep=on']);
  expect(after('-accel', words)).toEqual(['tcg,thread=single']);
});

test('wall timing does not count instructions', () => {
  const words = machineArguments({ ...machine, timing: 'wall' });
  expect(words).not.toContain('-icount');
  expect(after('-accel', words)).toEqual(['tcg,thread=multi']);
  expect(after('-accel', machineArguments({ ...machine, timing: 'wall', accelerator: 'kvm' }))).toEqual(['kvm']);
});

test('booting writes to the files of the state, restoring to copies', () => {
  const share = (start: Machine['start']): unknown =>
    JSON.parse(after('-object', machineArguments({ ...machine, start }))[0] ?? '').share;
  expect(share('boot')).toBe(true);
  expect(share('restore')).toBe(false);
  expect(after('-drive', machineArguments({ ...machine, start: 'boot' }))[0]).toContain('snapshot=off');
  expect(after('-drive', machineArguments(machine))[0]).toContain('snapshot=on');
});

test('boot and restore describe the same machine', () => {
  const devices = (start: Machine['start']): string[] => after('-device', machineArguments({ ...machine, start }));
  expect(devices('boot')).toEqual(devices('restore'));
});

test('sshd is reached over the loopback interface only', () => {
  expect(after('-netdev', machineArguments(machine))).toEqual([
    'user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:2222-:22',
  ]);
});

test('commas in paths are no separators', () => {
  const words = machineArguments({ ...machine, serial: { log: '/a,b/log', socket: '/a,b/socket' } });
  expect(after('-chardev', words)[1]).toContain('path=/a,,b/socket,server=on,wait=off,logfile=/a,,b/log');
});
