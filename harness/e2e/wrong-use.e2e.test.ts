import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cli, type CliEnd } from './cli.ts';
import { Place } from './place.ts';

let place: Place;

beforeAll(async () => {
  place = await Place.create();
});

afterAll(async () => {
  await place[Symbol.asyncDispose]();
});

/** Everything goes to a directory of our own, and there is no inventory in the working directory. */
async function call(...words: readonly string[]): Promise<CliEnd> {
  return await Cli.run(words, { cwd: place.directory, env: place.env });
}

/** An error that says what is wrong and what to do, on stderr alone. */
function expectRefusal({ code, stdout, stderr }: CliEnd, what: RegExp, next: RegExp): void {
  expect(stderr).toMatch(what);
  expect(stderr).toMatch(next);
  expect(stderr).toMatch(/^error: /m);
  expect(stderr).toMatch(/^ {2}next: /m);
  expect(stderr).not.toContain('    at ');
  expect(stdout).toBe('');
  expect(code).toBe(2);
}

describe('what was typed wrong ends with 2 and the next thing to type', () => {
  test.concurrent.each<[words: string, what: RegExp, next: RegExp]>([
    ['rnu', /did you mean run/i, /next: ioreqlab --help/],
    ['run --jsn', /Unknown argument: jsn/, /next: ioreqlab run --help/],
    ['run --host', /Not enough arguments following: host/, /next: ioreqlab run --help/],
    ['run --retries -1', /--retries takes a whole number/, /next: ioreqlab run --help/],
    ['run --time-limit 0', /--time-limit takes a number of seconds/, /next: ioreqlab run --help/],
    ['run --environment hmv', /--environment takes hvm or pvh, not "hmv"/, /next: ioreqlab run --help/],
    ['run --xen 4.19', /no emulated host with Xen '4\.19'; known are 4\.20/, /such as --xen 4\.20/],
    ['run --xen 4.20,4.20', /emulated-4\.20 was asked for twice/, /next: name every host/],
    ['run --host nowhere', /no host "nowhere"/, /next: ioreqlab host list/],
    ['run --mirror nonsense', /'nonsense' is no address of a Debian mirror/, /http:\/\//],
    ['run port-io/scrach', /no scenario "port-io\/scrach"; did you mean port-io\/scratch\?/, /next: ioreqlab list/],
    ['run --tag performnce', /has the tag "performnce"; did you mean performance\?/, /choose of these: .*performance/],
    ['run --scenarios nowhere', /no scenarios in .*nowhere/, /--scenarios DIR/],
    ['run --host a --inventory nowhere.yaml', /the inventory nowhere\.yaml cannot be read/, /--inventory FILE/],
    ['show nowhere', /there is no run at .*nowhere/, /next: ioreqlab/],
    ['host down nowhere', /there is no host nowhere to end/, /next: ioreqlab host list/],
    ['host shell nowhere ls -l', /no host "nowhere"/, /next: ioreqlab host list/],
    ['host console nowhere', /no emulated host nowhere is up/, /next: ioreqlab host up/],
    ['host up --port 99999', /99999 is no port/, /next: leave the choice/],
  ])('%s', async (words, what, next) => {
    expectRefusal(await call(...words.split(' ')), what, next);
  });
});

describe('an inventory that is wrong is told by file and line', () => {
  const good = [
    'version: 1',
    'hosts:',
    '  lab1:',
    '    address: lab1.example',
    '    key: key',
    '    hostKeys: [ssh-ed25519 AAAA]',
  ];
  const changed = (line: number, text: string): string => good.toSpliced(line - 1, 1, text).join('\n');

  test.concurrent.each<[name: string, text: string, what: RegExp]>([
    ['not YAML', changed(4, '    address: [lab1'), /inventory\.yaml:\d+: /],
    ['a field that is not known', changed(5, '    keys: key'), /inventory\.yaml:5: .*keys/],
    ['a host key that is none', changed(6, '    hostKeys: [nonsense]'), /inventory\.yaml:6: .*OpenSSH public key/],
    ['a jump to nowhere', [...good, '    jump: lab2'].join('\n'), /inventory\.yaml:7: .*no host lab2/],
    ['a jump in a circle', [...good, '    jump: lab1'].join('\n'), /inventory\.yaml:7: .*circle/],
  ])('%s', async (name, text, what) => {
    const file = await place.write(`${name}/inventory.yaml`, `${text}\n`);
    expectRefusal(await call('run', '--host', 'lab1', '--inventory', file), what, /mend the line/);
  });

  test.concurrent('a private key that is not there', async () => {
    const file = await place.write('no key/inventory.yaml', `${good.join('\n')}\n`);
    const { code, stderr } = await call('host', 'shell', 'lab1', 'true', '--inventory', file);
    expect(stderr).toMatch(/the private key of lab1\.example cannot be read/);
    expect(stderr).toMatch(/next: name an OpenSSH private key without a passphrase; this is .*\/key/);
    expect(code).toBe(2);
  });
});

describe('devices that cannot go to dom0 are told before a host is started', () => {
  const device = (name: string): string =>
    `import { defineDevice } from 'ioreqlab/device';\nexport default defineDevice({ name: '${name}', regions: {}, create: () => ({}) });\n`;

  test.concurrent.each<[name: string, files: Readonly<Record<string, string>>, what: RegExp]>([
    ['does not compile', { 'a.device.ts': 'export default {\n' }, /does not compile:\n.*a\.device\.ts:2: /],
    [
      'does not load',
      { 'a.device.ts': 'throw new Error("oh");\nexport default 1;\n' },
      /a\.device\.ts does not load: oh/,
    ],
    ['is none', { 'a.device.ts': 'export default 7;\n' }, /a\.device\.ts: its default export is no device/],
    [
      'two of one name',
      { 'a.device.ts': device('twin'), 'b.device.ts': device('twin') },
      /two devices are named "twin": .*a\.device\.ts and .*b\.device\.ts/,
    ],
  ])('%s', async (name, files, what) => {
    const directory = `devices ${name}`;
    for (const [file, text] of Object.entries(files)) await place.write(`${directory}/topic/${file}`, text);
    await place.write(`${directory}/topic/a.scenario.ts`, '');
    expectRefusal(await call('run', '--scenarios', directory, '--out', place.runs), what, /next: /);
  });
});
