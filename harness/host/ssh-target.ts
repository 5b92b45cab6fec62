/** Where and how to reach a host's sshd. Everything that talks to a host needs just this. */
export interface SshTarget {
  /** Name or address. */
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** Absolute path of an OpenSSH private key without passphrase. */
  readonly privateKeyFile: string;
  /** The only host keys that are accepted, as OpenSSH public keys: `ssh-ed25519 AAAA...`. Never empty. */
  readonly hostKeys: readonly string[];
  /** A host to go through. */
  readonly jump?: SshTarget;
}
