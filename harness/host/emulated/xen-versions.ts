import { LabError } from '../../../src/errors.ts';

/** The versions of Xen that an emulated host can run, the default first. */
export const xenVersions = ['4.20', '4.17', '4.14'] as const;

/** One of {@link xenVersions}. */
export type XenVersion = (typeof xenVersions)[number];

/** What is taken when nobody asks for a version. */
export const defaultXenVersion: XenVersion = xenVersions[0];

/** The Debian release that ships a version of Xen, and what is peculiar to it. */
export interface XenRelease {
  /** Debian's code name of the release. */
  readonly suite: string;
  /** The package with the QEMU that Xen's toolstack starts for HVM guests. */
  readonly deviceModelPackage: string;
}

const releases: Readonly<Record<XenVersion, XenRelease>> = {
  '4.20': { suite: 'trixie', deviceModelPackage: 'qemu-system-xen' },
  '4.17': { suite: 'bookworm', deviceModelPackage: 'qemu-system-xen' },
  '4.14': { suite: 'bullseye', deviceModelPackage: 'qemu-system-x86' },
};

/** Where Debian ships a version of Xen. */
export function releaseOf(xen: XenVersion): XenRelease {
  return releases[xen];
}

/**
 * The version that a user named.
 *
 * @throws LabError with blame `usage`, code `XEN_UNKNOWN`, which names the known ones
 */
export function parseXenVersion(text: string): XenVersion {
  const known = xenVersions.find((version) => version === text.trim());
  if (known !== undefined) return known;
  throw new LabError(`there is no emulated host with Xen '${text}'; known are ${xenVersions.join(', ')}`, {
    blame: 'usage',
    code: 'XEN_UNKNOWN',
    next: `choose one of them, such as --xen ${defaultXenVersion}`,
  });
}
