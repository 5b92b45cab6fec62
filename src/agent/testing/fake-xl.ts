import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What xl does by default. The domain is there until it is destroyed, or until the file `ended` says why it ended. */
const script = `#!/bin/sh
here=$(dirname "$0")
echo "$*" >> "$here/calls"
case $1 in
create)
  for word; do config=$word; done
  cp "$config" "$here/config"
  [ ! -e "$here/refuses" ] || { cat "$here/refuses" >&2; exit 1; }
  while [ -e "$here/hangs" ]; do sleep 0.01; done
  echo "Parsing config from $config"
  echo "Waiting for domain guest (domid 7) to die [pid $$]" >&2
  touch "$here/running"
  while [ -e "$here/running" ]; do
    if [ -e "$here/ended" ]; then
      echo "Domain 7 has shut down, reason code $(cat "$here/ended") 0x0" >&2
      rm -f "$here/running" "$here/ended"
    fi
    sleep 0.01
  done
  echo "Domain 7 has been destroyed." >&2 ;;
destroy)
  [ -e "$here/running" ] || exit 1
  if [ -s "$here/stumbles" ]; then
    sed -i 1d "$here/stumbles"
    echo 'libxl: error: try again' >&2
    exit 1
  fi
  rm "$here/running" ;;
list)
  printf 'Name ID Mem VCPUs State Time(s)\\nDomain-0 0 512 2 r----- 9.1\\n'
  [ ! -e "$here/listed" ] || cat "$here/listed" ;;
info) printf 'xen_version : 4.20.4\\nxen_commandline : a=b:c\\ncc_compiler :\\n' ;;
dmesg) echo '(XEN) booted' ;;
domname) [ -e "$here/running" ] ;;
unpause) ;;
*) exit 9 ;;
esac
`;

/** A program `xl` at the front of PATH. */
export class FakeXl implements Disposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'ioreqlab-xl-'));
  readonly #path = process.env['PATH'];

  constructor() {
    writeFileSync(join(this.directory, 'xl'), script);
    chmodSync(join(this.directory, 'xl'), 0o755);
    process.env['PATH'] = `${this.directory}:${this.#path ?? ''}`;
  }

  /**
   * Says how xl behaves from now on: `refuses` (with what it prints), `hangs`, `ended` (with a reason), `listed`,
   * `stumbles` (a line for each time that it does not destroy the domain).
   */
  set(file: 'refuses' | 'hangs' | 'ended' | 'listed' | 'stumbles', text = ''): void {
    writeFileSync(join(this.directory, file), text);
  }

  unset(file: 'refuses' | 'hangs' | 'listed'): void {
    rmSync(join(this.directory, file), { force: true });
  }

  /** True while there is a domain. */
  get isRunning(): boolean {
    return existsSync(join(this.directory, 'running'));
  }

  /** The command lines so far, each without `xl`. */
  get calls(): string[] {
    const file = join(this.directory, 'calls');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  }

  /** The configuration of the domain that was created last. */
  get config(): string {
    return readFileSync(join(this.directory, 'config'), 'utf8');
  }

  [Symbol.dispose](): void {
    process.env['PATH'] = this.#path;
    rmSync(this.directory, { recursive: true, force: true });
  }
}
