import type { Timing } from '../../results/index.ts';
import type { LabError } from '../../src/errors.ts';
import type { SshTarget } from './ssh-target.ts';

/** A host that is up, for as long as this object lives. */
export interface Machine extends AsyncDisposable {
  readonly ssh: SshTarget;
  /** The processors for guests, as xl's `cpus`. */
  readonly guestCpus: string;
  /** What we know of it that it cannot tell itself, and that can change a figure: its emulator. */
  readonly facts: Readonly<Record<string, string>>;
  /** Resolves when the machine dies by itself, with how. Never for one that we can only reach by SSH. */
  readonly died: Promise<LabError>;
}

/** What a machine is started with. */
export interface MachineOptions {
  /** Where its serial console goes, if it has one. */
  readonly serialLog: string;
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

/** A host of the lab: what differs between kinds of hosts. All else goes over SSH. */
export interface LabHost {
  readonly name: string;
  readonly kind: 'emulated' | 'ssh';
  readonly timing: Timing;
  /** Each start gives a machine of its own, which is thrown away: several can run at once. */
  readonly isDisposable: boolean;
  /** Nobody minds when it crashes: scenarios that may bring a host down run on it. */
  readonly mayCrash: boolean;
  start(options: MachineOptions): Promise<Machine>;
}
