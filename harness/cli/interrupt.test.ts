import { afterEach, expect, it, vi } from 'vitest';
import { EXIT } from '../../results/index.ts';
import { EndReason } from '../run/run.ts';
import { interruptible } from './interrupt.ts';

const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const listeners = (): number[] => names.map((name) => process.listenerCount(name));

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

it('each of the signals interrupts, once; the second ends the process', () => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
  for (const name of names) {
    using interrupt = interruptible();
    expect(interrupt.signal.aborted).toBe(false);
    process.emit(name);
    expect(interrupt.signal.reason).toMatchObject({ ended: 'interrupted', message: 'the run was interrupted' });
    expect(exit).not.toHaveBeenCalled();
    process.emit(name);
    expect(exit).toHaveBeenCalledExactlyOnceWith(EXIT.interrupted);
    exit.mockClear();
  }
});

it('the time may be over, and is then the reason', () => {
  vi.useFakeTimers();
  using interrupt = interruptible(60_000);
  vi.advanceTimersByTime(59_999);
  expect(interrupt.signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(interrupt.signal.reason).toBeInstanceOf(EndReason);
  expect(interrupt.signal.reason).toMatchObject({ ended: 'outOfTime' });
});

it('a time that is longer than Node can wait is not over at once', () => {
  vi.useFakeTimers();
  using interrupt = interruptible(90 * 24 * 3600 * 1000);
  vi.advanceTimersByTime(24 * 3600 * 1000);
  expect(interrupt.signal.aborted).toBe(false);
});

it('nothing of it stays', () => {
  vi.useFakeTimers();
  const before = listeners();
  const interrupt = interruptible(1_000);
  expect(listeners()).toEqual(before.map((count) => count + 1));
  interrupt[Symbol.dispose]();
  expect(listeners()).toEqual(before);
  expect(vi.getTimerCount()).toBe(0);
});
