/**
 * What a device model can do wrong with a request, a step at a time; and what it does right. Steps that name no vCPU's slot
 * act on that of the request.
 */
export type FaultStep =
  /** Writes the slot's state, four bits; the other bits of its byte stay. */
  | { readonly do: 'state'; readonly state: number }
  /** Writes a field of the slot; numbers are cut to the field's width. */
  | { readonly do: 'field'; readonly field: SlotField; readonly value: bigint }
  /** Data and IORESP_READY, without a word to anybody. */
  | { readonly do: 'answer'; readonly data: bigint }
  /** Notifies the vCPU's channel, or another vCPU's; default once. */
  | { readonly do: 'notify'; readonly times?: number; readonly vcpu?: number }
  /** Milliseconds in which nothing is done. */
  | { readonly do: 'wait'; readonly ms: number }
  /** Until the slot has this state; not longer than two seconds. */
  | { readonly do: 'await'; readonly state: number }
  /** Notes the slot's state. */
  | { readonly do: 'look' }
  /** Unmaps the page of slots, or maps it again. */
  | { readonly do: 'unmap' }
  | { readonly do: 'map' }
  /** Writes the ring's pointers. */
  | { readonly do: 'ring'; readonly read?: number; readonly write?: number }
  /** Enables or disables the server. */
  | { readonly do: 'enable'; readonly isEnabled: boolean }
  /** The process kills itself. */
  | { readonly do: 'die' };

/** A field of struct ioreq, without its state. */
export type SlotField = (typeof slotFields)[number];
export const slotFields = [
  'addr',
  'data',
  'count',
  'size',
  'vpEport',
  'type',
  'isRead',
  'dataIsPointer',
  'backwards',
] as const;

/** Ports or guest addresses, both ends inclusive. */
export interface FaultRange {
  readonly kind: 'port' | 'memory';
  readonly start: bigint;
  readonly end: bigint;
}

/** What a server that misbehaves is made of. */
export interface FaultSetup {
  readonly ranges: readonly FaultRange[];
  /** Default: no ring. */
  readonly buffered?: 'off' | 'legacy' | 'atomic' | undefined;
  /** What is done with the first request, the second, and so on; all later ones are answered. */
  readonly scripts: readonly (readonly FaultStep[])[];
}

/** A request that came, or steps that were made without one. */
export interface FaultSeen {
  readonly vcpu: number;
  /** Missing: there was none. */
  readonly request?: { readonly addr: bigint; readonly data: bigint; readonly size: number; readonly isRead: boolean };
  /** What the steps looked at, in their order. */
  readonly states: readonly number[];
}

/** What a server that misbehaves answers, when it does: no device would. */
export const faultAnswer = 0xfa17_fa17_fa17_fa17n;
