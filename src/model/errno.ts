/** What a call of Xen's gives back when it fails, without the minus sign. */
export type Errno =
  | 'E2BIG'
  | 'EACCES'
  | 'EBUSY'
  | 'EEXIST'
  | 'EFAULT'
  | 'EINVAL'
  | 'ENODATA'
  | 'ENOENT'
  | 'ENOMEM'
  | 'ENOSPC'
  | 'ENOSYS'
  | 'EOPNOTSUPP'
  | 'EPERM'
  | 'ERANGE'
  | 'ESRCH';

/** True for a failure, in a call that otherwise gives back a number, an object or nothing. */
export function isErrno(result: unknown): result is Errno {
  return typeof result === 'string';
}
