import { LabError } from '../../errors.ts';

/** A change of Xen that the model knows: what decides in its place is one of the names of {@link xenChanges}. */
interface XenChange {
  /** What is different from then on. */
  readonly what: string;
  /** The commit of xen.git that made it. */
  readonly commit: string;
  /** The security advisory that it belongs to. */
  readonly xsa?: number;
  /**
   * The releases that have it first: of the main line (`4.18.0`), then of each older branch that took it back
   * (`4.17.1`). From `git tag --contains` and the branches' own commits of the same subject.
   */
  readonly since: readonly [string, ...string[]];
}

/**
 * All differences between versions of Xen that the model has: nothing else in it asks for a version. What never changed
 * from 4.11 on: 8 servers, 256 ranges of a type, 511 ring slots, all layouts, all states. What is not in the model: the
 * default server of 4.11, which 4.12 removed (2c257bd69a).
 */
export const xenChanges = {
  directionAwareRanges: {
    what: 'a memory access that steps downwards is looked up by the bytes that it touches; before, as if it stepped up',
    commit: '60a56dc006',
    since: ['4.12.0', '4.11.1'],
  },
  extendedConfigOfFamily10h: {
    what: 'AMD processors of family 0x10 have the extended configuration space, as 0x11 to 0x16 have',
    commit: '5d515b1c29',
    since: ['4.14.0', '4.13.1', '4.12.3', '4.11.4'],
  },
  destroyedServerCompletes: {
    what: 'a vCPU whose server was destroyed completes its access when it is woken; before, its next access fails',
    commit: 'f7039ee41b',
    since: ['4.14.0', '4.13.2', '4.12.4'],
  },
  pinnedRangesLimited: {
    what: 'at most 64 regions with a pinned cache attribute: ENOSPC',
    commit: 'd484dcca79',
    xsa: 428,
    since: ['4.18.0', '4.17.1', '4.16.4', '4.15.5', '4.14.6'],
  },
  nrVcpus: {
    what: 'the operation nr_vcpus; before, EOPNOTSUPP',
    commit: 'c4441ab1f1',
    since: ['4.15.0'],
  },
  resourceFramesBounded: {
    what: 'a frame of a resource that does not fit 32 bits with its successor is EINVAL before anything is looked up',
    commit: '25164f3578',
    since: ['4.15.0'],
  },
  relocationWrapsRefused: {
    what: 'relocate_memory of frames that wrap is EOVERFLOW, to the frame that stands for none EINVAL',
    commit: 'ef0f94a48f',
    since: ['4.17.0'],
  },
  unsignedPirq: {
    what: 'the pirq of an MSI with vector 0 is unsigned: from 2^31 on EINVAL; before, ERANGE',
    commit: '62252f58d0',
    since: ['4.18.0'],
  },
  invalidateOnRemoval: {
    what: 'whoever takes a frame out of the guest makes each vCPU broadcast INVALIDATE; before, only decrease_reservation of the guest itself does',
    commit: '588d961d15',
    since: ['4.15.0'],
  },
  broadcastSkipsUnbuffered: {
    what: 'a buffered broadcast passes over servers that have no ring; before, each counts as a failure',
    commit: 'a44734df6c',
    since: ['4.18.0', '4.17.1', '4.16.4'],
  },
  honestBufferedSend: {
    what: 'what the ring cannot hold takes the synchronous way; before, Xen says that it is done and drops it',
    commit: '2e0b545b84',
    since: ['4.20.0', '4.19.1', '4.18.4'],
  },
  operandCachedWhole: {
    what: 'an operand across a page takes one of the three entries of the MMIO cache; before, one for each of its pages',
    commit: '672894a11f',
    since: ['4.20.0', '4.19.2', '4.18.5'],
  },
  elcrOneHandler: {
    what: 'an access of two bytes to both ELCR ports belongs to Xen; before, only one of one byte, the other goes to the device model',
    commit: '352c917acf',
    since: ['4.18.0'],
  },
  debugConsoleReads: {
    what: 'a read of the debug console, port 0xe9, gives its own number; before, Xen looked at it and let it go on to the device model',
    commit: 'db5a3c31a6',
    since: ['4.21.0', '4.20.2', '4.19.4'],
  },
  videoMemoryNotCached: {
    what: 'Xen keeps no copy of video memory; before, it may answer accesses to it and to the VGA registers itself',
    commit: 'eb7cd0593d',
    xsa: 463,
    since: ['4.20.0', '4.19.1', '4.18.4', '4.17.6', '4.16.7'],
  },
  legacyGfnsUsable: {
    what: 'a legacy guest frame is given once, while it is free; before, only while it is not (inverted condition)',
    commit: '282ed258a5',
    since: ['4.21.0', '4.20.2', '4.19.4'],
  },
  overlappingRelocation: {
    what: 'relocate_memory upwards over itself keeps all frames; before, it frees what it has not moved yet',
    commit: '7acc7dd36b',
    since: ['4.22.0', '4.21.2', '4.20.4'],
  },
  buffersCounted: {
    what: 'no buffer at all is ENODATA, modified_memory with one is EINVAL; before, what lay on the stack was taken',
    commit: 'aef948a300',
    xsa: 506,
    since: ['4.22.0', '4.21.2', '4.20.4', '4.19.6', '4.18.6', '4.17.7'],
  },
} as const satisfies Record<string, XenChange>;

/** The name of a change. */
export type XenChangeName = keyof typeof xenChanges;

/** Which changes a version of Xen has. */
export type XenFacts = Readonly<Record<XenChangeName, boolean>>;

/** The newest release of each branch at the time of writing: what a version without its third number means. */
const newest: Readonly<Record<number, number>> = {
  11: 4,
  12: 4,
  13: 5,
  14: 6,
  15: 7,
  16: 7,
  17: 7,
  18: 6,
  19: 6,
  20: 4,
  21: 2,
  22: 0,
};

interface Release {
  readonly minor: number;
  readonly patch: number;
}

/** A release's numbers. `4.20.4-pre` is what follows 4.20.3: it counts as 4.20.3. */
function parse(version: string): Release {
  const match = /^4\.(\d{1,2})(?:\.(\d{1,2})(-pre|-rc\d*)?)?$/.exec(version);
  const minor = Number(match?.[1]);
  const last = newest[minor];
  if (match === null || last === undefined) {
    throw new LabError(`there is no model of Xen ${version}`, {
      blame: 'usage',
      code: 'XEN_MODEL_UNKNOWN',
      next: `name a release from 4.11 to 4.22, such as 4.20 or 4.20.1`,
    });
  }
  const patch = match[2] === undefined ? last : Number(match[2]);
  return { minor, patch: match[3] === undefined ? patch : patch - 1 };
}

/**
 * Which changes a version has: a branch (`4.17`: its newest release), a release (`4.17.5`), or what is being made after
 * one (`4.20.4-pre`).
 *
 * @throws LabError `XEN_MODEL_UNKNOWN`
 */
export function factsOf(version: string): XenFacts {
  const { minor, patch } = parse(version);
  const has = ({ since: [main, ...older] }: XenChange): boolean => {
    const first = parse(main);
    if (minor > first.minor || (minor === first.minor && patch >= first.patch)) return true;
    return older.map(parse).some((release) => release.minor === minor && patch >= release.patch);
  };
  return Object.fromEntries(Object.entries(xenChanges).map(([name, change]) => [name, has(change)])) as XenFacts;
}
