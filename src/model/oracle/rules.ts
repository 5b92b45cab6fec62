/** A release line of Xen for which there are rules. */
export type OracleVersion = '4.14' | '4.17' | '4.20';

/** What differs between versions of Xen in how instructions become requests. Everything else is the same in all of them. */
export interface OracleRules {
  readonly version: OracleVersion;
  /**
   * An operand that crosses a page takes one entry of the MMIO cache; before, each of its pages took one, so that an
   * instruction with two such operands ran out of the three entries and ended with #GP. Since 4.20.0, 4.19.2, 4.18.5:
   * 672894a11f (x86/HVM: correct read/write split at page boundaries).
   */
  readonly isCacheByOperand: boolean;
  /**
   * One handler for both ELCR ports, so that a two-byte access at 0x4d0 is Xen's; before, one for each, and the wide access
   * went to the device model. Since 4.18: 352c917acf (x86/vPIC: register only one ELCR handler instance).
   */
  readonly isElcrOneHandler: boolean;
  /**
   * Xen keeps a copy of the VGA registers and of video memory, and may answer accesses to it. Until 4.17.5; taken out in
   * 4.20.0 and 4.17.6: 53b7246bdf, eb7cd0593d (x86/HVM: properly reject "indirect" VRAM writes, XSA-463).
   */
  readonly hasVgaCache: boolean;
}

const rules: Readonly<Record<OracleVersion, OracleRules>> = {
  '4.14': { version: '4.14', isCacheByOperand: false, isElcrOneHandler: false, hasVgaCache: true },
  '4.17': { version: '4.17', isCacheByOperand: false, isElcrOneHandler: false, hasVgaCache: false },
  '4.20': { version: '4.20', isCacheByOperand: true, isElcrOneHandler: true, hasVgaCache: false },
};

/** The rules of a version. */
export function rulesOf(version: OracleVersion): OracleRules {
  return rules[version];
}
