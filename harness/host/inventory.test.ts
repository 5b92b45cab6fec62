import { homedir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLabError, type LabError } from '../../src/errors.ts';
import { parseInventory, readInventory } from './inventory.ts';

const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAeT0Q0pGxHcjQbIZ0pZ5bH0kqF4a5r3v1kVwqvR0R0r';

/** A machine of an inventory; what is given replaces or adds lines. */
function machine(name: string, lines: Record<string, string> = {}): string {
  const all = { address: '192.0.2.1', key: 'keys/lab', hostKeys: `[${hostKey}]`, ...lines };
  return [`  ${name}:`, ...Object.entries(all).map(([key, value]) => `    ${key}: ${value}`)].join('\n');
}

const inventory = (...machines: string[]): string => ['version: 1', 'hosts:', ...machines, ''].join('\n');

function fault(text: string): LabError {
  try {
    parseInventory(text, 'lab.yaml', '/lab');
  } catch (error) {
    if (isLabError(error)) return error;
    throw error;
  }
  return expect.fail('it was taken');
}

describe('an inventory', () => {
  it('names machines and how to reach them', () => {
    const text = inventory(
      machine('near', { port: '2222', user: 'tester', guestCpus: '"1,3-5"', timing: 'exact', disposable: 'true' }),
      machine('far', { jump: 'near', key: '/keys/far' }),
      machine('home', { key: '~/.ssh/id', jump: 'far' }),
    );
    const [near, far, home] = parseInventory(text, 'lab.yaml', '/lab');
    const target = { address: '192.0.2.1', hostKeys: [hostKey] };
    const nearTarget = { ...target, port: 2222, user: 'tester', privateKeyFile: '/lab/keys/lab' };
    const farTarget = { ...target, port: 22, user: 'root', privateKeyFile: '/keys/far', jump: nearTarget };
    expect(near).toEqual({
      kind: 'ssh',
      name: 'near',
      guestCpus: '1,3-5',
      timing: 'exact',
      disposable: true,
      target: nearTarget,
    });
    expect(far).toEqual({
      kind: 'ssh',
      name: 'far',
      guestCpus: 'all',
      timing: 'wall',
      disposable: false,
      target: farTarget,
    });
    expect(home?.target).toMatchObject({ privateKeyFile: join(homedir(), '.ssh/id'), jump: farTarget });
  });

  it('may be empty of machines', () => {
    expect(parseInventory('version: 1\nhosts: {}\n', 'lab.yaml', '/')).toEqual([]);
  });

  it('that cannot be read says so', async () => {
    await expect(readInventory('/no/such/inventory.yaml')).rejects.toMatchObject({
      ...{ blame: 'usage', code: 'INVENTORY_UNREADABLE', message: expect.stringContaining('/no/such/inventory.yaml') },
    });
  });

  for (const [what, text, message] of [
    ['nothing at all', '', 'lab.yaml:1: inventory: '],
    ['no YAML', 'version: 1\nhosts: [', 'lab.yaml:2: '],
    ['a tab', 'version: 1\nhosts:\n\tlab:\n', 'lab.yaml:3: '],
    ['another version', 'version: 2\nhosts: {}\n', 'lab.yaml:1: version: '],
    ['no machines', 'version: 1\n', 'lab.yaml:1: hosts: '],
    ['a field of the file that does not exist', `${inventory(machine('lab'))}extra: 1\n`, 'lab.yaml:7: inventory: '],
    ['a field of a machine that does not exist', inventory(machine('lab', { adress: 'x' })), 'lab.yaml:7: hosts.lab: '],
    [
      'a port that is none',
      inventory(machine('a'), machine('lab', { port: '70000' })),
      'lab.yaml:11: hosts.lab.port: ',
    ],
    ['a name that is none', inventory(machine('Lab_1')), 'lab.yaml:3: hosts.Lab_1: '],
    ['a missing key', inventory('  lab:\n    address: x\n    hostKeys: []'), 'lab.yaml:3: hosts.lab.key: '],
    [
      'a host key that is none',
      inventory(machine('lab', { hostKeys: '[SHA256:abc]' })),
      'lab.yaml:6: hosts.lab.hostKeys.0: ',
    ],
    ['no host key', inventory(machine('lab', { hostKeys: '[]' })), 'lab.yaml:6: hosts.lab.hostKeys: '],
    [
      'processors that are none',
      inventory(machine('lab', { guestCpus: "'1;2'" })),
      'lab.yaml:7: hosts.lab.guestCpus: ',
    ],
    ['the same machine twice', inventory(machine('lab'), machine('lab')), 'lab.yaml:7: '],
    ['a jump to nowhere', inventory(machine('lab', { jump: 'gone' })), 'lab.yaml:7: hosts.lab.jump: no host gone'],
    [
      'a jump to what every object has',
      inventory(machine('lab', { jump: 'constructor' })),
      'lab.yaml:7: hosts.lab.jump: no',
    ],
    ['an alias to nowhere', inventory(machine('lab', { user: '*who' })), 'lab.yaml:7: '],
  ] as const) {
    it(`with ${what} is refused, with the line`, () => {
      const error = fault(text);
      expect(error).toMatchObject({ blame: 'usage', code: 'INVENTORY_INVALID' });
      expect(error.message.split('\n')[0]).toContain(message);
      expect(error.message).toMatch(new RegExp(`^${message.replaceAll('.', String.raw`\.`)}`, 'm'));
    });
  }

  it('tells of every fault, not only of the first', () => {
    const { message } = fault(inventory(machine('a', { port: '0' }), machine('b', { user: "''" })));
    expect(message.split('\n').map((line) => line.split(': ').slice(0, 2))).toEqual([
      ['lab.yaml:7', 'hosts.a.port'],
      ['lab.yaml:12', 'hosts.b.user'],
    ]);
  });

  it('finds circles of jumps, of whatever length', () => {
    for (const length of [1, 2, 5]) {
      const circle = Array.from({ length }, (_, i) => machine(`m${i}`, { jump: `m${(i + 1) % length}` }));
      expect(fault(inventory(machine('outside', { jump: 'm0' }), ...circle)).message).toMatch(
        /^lab\.yaml:\d+: hosts\.m\d\.jump: the jumps go in a circle$/,
      );
    }
  });

  it('is an inventory or an error of usage, whatever it holds', () => {
    const line = fc.constantFrom(
      ...['version: 1', 'hosts:', 'hosts: {}', '  lab:', '    address: x', '    key: k', `    hostKeys: [${hostKey}]`],
      ...[
        '    jump: lab',
        '    port: 22',
        '- a',
        '  - b',
        '&a x',
        '*a',
        '? k',
        '...',
        '---',
        '"',
        '{',
        '    <<: *a',
        ': :',
      ],
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(line).map((lines) => lines.join('\n')),
          fc.string(),
        ),
        (text) => {
          try {
            expect(Array.isArray(parseInventory(text, 'lab.yaml', '/'))).toBe(true);
          } catch (error) {
            expect(error).toMatchObject({ blame: 'usage', code: 'INVENTORY_INVALID' });
            expect((error as Error).message).toMatch(/^lab\.yaml:\d+: /);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
