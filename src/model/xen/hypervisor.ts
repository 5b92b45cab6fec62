import { Domain, type DomainOptions } from './domain.ts';
import { PortNumbers } from './event-channels.ts';
import { factsOf, type XenFacts } from './versions.ts';

/** Most ports of dom0: 2-level event channels of a 64-bit domain have 4096. */
const dom0Ports = 4095;

/** Xen of one version, with dom0 and the guests that {@link createDomain} makes. */
export class Hypervisor {
  readonly version: string;
  readonly facts: XenFacts;
  readonly #locals = new PortNumbers(dom0Ports);
  #nextDomid = 1;

  constructor(version: string) {
    this.version = version;
    this.facts = factsOf(version);
  }

  /** A guest, without servers. */
  createDomain(options: DomainOptions): Domain {
    return new Domain(this.#nextDomid++, this.facts, this.#locals, options);
  }
}

/**
 * The model of a version of Xen: `4.17` is the newest release of its branch, `4.17.5` a release, `4.20.4-pre` what
 * follows 4.20.3.
 *
 * @throws LabError `XEN_MODEL_UNKNOWN`
 */
export function model(version: string): Hypervisor {
  return new Hypervisor(version);
}
