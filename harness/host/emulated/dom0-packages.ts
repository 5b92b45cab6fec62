import { releaseOf, type XenVersion } from './xen-versions.ts';

/** The Debian packages that dom0 is made of, besides those that Debian calls essential. */
export function dom0Packages(xen: XenVersion): readonly string[] {
  return [
    'linux-image-amd64',
    `xen-hypervisor-${xen}-amd64`,
    `xen-utils-${xen}`,
    'xenstore-utils',
    releaseOf(xen).deviceModelPackage,
    // Instead of systemd, which takes longer to start than all the rest.
    'sysvinit-core',
    'openssh-server',
    'iproute2',
    'kmod',
    'procps',
  ];
}
