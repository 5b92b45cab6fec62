/** Numbers of Xen's public/errno.h, which are Linux's. */
const errnoOf = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  E2BIG: 7,
  EAGAIN: 11,
  ENOMEM: 12,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  EINVAL: 22,
  ENOSPC: 28,
  ERANGE: 34,
  ENODATA: 61,
  EOVERFLOW: 75,
  EOPNOTSUPP: 95,
} as const;

/** The errors that the model's hypercalls give. */
export type XenErrno = keyof typeof errnoOf;

/**
 * What a hypercall of the model throws: `code` and `errno` as the native addon's errors have them. It is the modelled
 * hypervisor's answer; wrong use of the model itself is a `TypeError`.
 */
export class XenError extends Error {
  readonly code: XenErrno;
  readonly errno: number;

  constructor(code: XenErrno, why: string) {
    super(`${why} (${code})`);
    this.name = 'XenError';
    this.code = code;
    this.errno = errnoOf[code];
  }
}
