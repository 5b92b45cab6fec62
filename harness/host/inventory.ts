import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, visit, type Alias, type Document } from 'yaml';
import { z } from 'zod';
import { LabError, messageOf } from '../../src/errors.ts';
import type { SshTarget } from './ssh-target.ts';

/** Where the inventory is looked for, unless named. */
export const defaultInventory = 'inventory.yaml';

const name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,60}$/, 'a name: lower-case letters, digits, dots, dashes');
const hostKey = z
  .string()
  .regex(
    /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+=*( .*)?$/,
    'an OpenSSH public key such as "ssh-ed25519 AAAA...": ssh-keyscan -t ed25519 HOST shows it',
  );

const machine = z.strictObject({
  address: z.string().min(1),
  port: z.int().min(1).max(65535).default(22),
  user: z.string().min(1).default('root'),
  /** Private key; relative to the inventory's directory, `~/` is the home directory. */
  key: z.string().min(1),
  hostKeys: z.array(hostKey).min(1),
  /** Name of another entry to go through. */
  jump: name.optional(),
  /** The processors for guests, as xl's `cpus`. */
  guestCpus: z
    .string()
    .regex(/^[0-9,-]+$|^all$/)
    .default('all'),
  /** `exact` only for an emulated host under icount. */
  timing: z.enum(['exact', 'wall']).default('wall'),
  /** Nobody minds when it crashes. */
  disposable: z.boolean().default(false),
});

/** The shape of an inventory file. */
export const inventorySchema = z.strictObject({
  version: z.literal(1),
  hosts: z.record(name, machine),
});

/** A host that is there already and is reached by SSH. */
export interface KnownHost {
  /** `emulated`: one that `ioreqlab host up` started. */
  readonly kind: 'emulated' | 'ssh';
  readonly name: string;
  readonly target: SshTarget;
  readonly guestCpus: string;
  readonly timing: 'exact' | 'wall';
  /** Nobody minds when it crashes; default: somebody does. */
  readonly disposable?: boolean;
  /** As of `Machine`. */
  readonly facts?: Readonly<Record<string, string>>;
}

/**
 * Reads an inventory.
 *
 * @param file default: {@link defaultInventory} in the working directory
 * @throws LabError with blame `usage` that names the file and the line
 */
export async function readInventory(file: string = defaultInventory): Promise<KnownHost[]> {
  const path = resolve(file);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new LabError(`the inventory ${file} cannot be read: ${messageOf(error)}`, {
      blame: 'usage',
      code: 'INVENTORY_UNREADABLE',
      next: 'name it with --inventory FILE; infra/inventory/example.yaml shows one',
      cause: error,
    });
  });
  return parseInventory(text, file, dirname(path));
}

/** See {@link readInventory}. @param directory that relative paths in it start from */
export function parseInventory(text: string, file: string, directory: string): KnownHost[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [syntax] = document.errors;
  if (syntax !== undefined) {
    throw invalid(`${file}:${lines.linePos(syntax.pos[0]).line}: ${syntax.message.split('\n')[0] ?? 'not YAML'}`);
  }
  let plain: unknown;
  try {
    plain = document.toJS();
  } catch (error) {
    // Aliases that lead nowhere, or to too much.
    throw invalid(`${file}:${lineOfAlias(document, lines)}: ${messageOf(error)}`);
  }
  const parsed = inventorySchema.safeParse(plain);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message, ...issue }) => {
      const keys = 'keys' in issue && Array.isArray(issue.keys) ? [String(issue.keys[0])] : [];
      return `${file}:${lineOf(document, lines, [...path, ...keys])}: ${path.join('.') || 'inventory'}: ${message}`;
    });
    throw invalid(faults.join('\n'));
  }
  const { hosts } = parsed.data;
  const targetOf = (host: string, through: readonly string[]): SshTarget => {
    const entry = Object.hasOwn(hosts, host) ? hosts[host] : undefined;
    if (entry === undefined || through.includes(host)) {
      const from = through.at(-1) ?? host;
      const line = lineOf(document, lines, ['hosts', from, 'jump']);
      const why = entry === undefined ? `no host ${host} to jump through` : 'the jumps go in a circle';
      throw invalid(`${file}:${line}: hosts.${from}.jump: ${why}`);
    }
    const { address, port, user, key, hostKeys, jump } = entry;
    return {
      ...{ address, port, user, hostKeys, privateKeyFile: absolute(key, directory) },
      ...(jump === undefined ? {} : { jump: targetOf(jump, [...through, host]) }),
    };
  };
  return Object.entries(hosts).map(([host, { guestCpus, timing, disposable }]) => ({
    kind: 'ssh',
    name: host,
    target: targetOf(host, []),
    guestCpus,
    timing,
    disposable,
  }));
}

function absolute(path: string, directory: string): string {
  if (path.startsWith('~/')) return join(homedir(), path.slice(2));
  return isAbsolute(path) ? path : join(directory, path);
}

/** The line of the node at a path, or of the deepest one above it that there is. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (pair === undefined) break;
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      if (isNode(node)) offset = node.range?.[0] ?? offset;
    } else break;
  }
  return lines.linePos(offset).line;
}

/** The line of the first alias that leads nowhere, or of the first one that there is. */
function lineOfAlias(document: Document, lines: LineCounter): number {
  const aliases: Alias[] = [];
  visit(document, { Alias: (_key, alias) => void aliases.push(alias) });
  const alias = aliases.find((one) => one.resolve(document) === undefined) ?? aliases[0];
  return lines.linePos(alias?.range?.[0] ?? 0).line;
}

function invalid(message: string): LabError {
  return new LabError(message, {
    blame: 'usage',
    code: 'INVENTORY_INVALID',
    next: 'mend the line; infra/inventory/example.yaml shows every field',
  });
}
