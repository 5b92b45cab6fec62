/** True when we may do everything that the machine allows. */
export const isRoot: boolean = process.getuid?.() === 0;

/**
 * Arguments of unshare(1) that make an ordinary user root over the user ids that /etc/subuid lends to him; his own is root's
 * there. Root needs none.
 */
export const asRoot: readonly string[] = isRoot ? [] : ['--map-root-user', '--map-auto'];
