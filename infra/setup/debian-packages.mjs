// Debian's packages that a machine needs, and what for.

/** @type {Record<string, string>} */
export const debianPackages = {
  gcc: 'builds the addon and the guest',
  'libc6-dev': 'builds the addon',
  make: 'builds the addon and the guest',
  'libxen-dev': "Xen's public headers",
  'qemu-system-x86': 'is the emulated host',
  'qemu-utils': 'makes its disk',
  mmdebstrap: 'makes its image',
  'debian-archive-keyring': "Debian's keys, for its image",
  e2fsprogs: 'makes its file system',
  'openssh-client': 'makes its keys',
  ...(process.getuid?.() === 0 ? {} : { uidmap: 'makes its image without root' }),
};

// What the tests need besides.

/** @type {Record<string, string>} */
export const testPackages = {
  'openssh-server': 'is what the tests of SSH talk to; its service is not started',
  chromium: 'opens the reports in the tests, without a screen',
};
