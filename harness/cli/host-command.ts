import type { Argv, ArgumentsCamelCase, CommandModule } from 'yargs';
import { createConnection } from 'node:net';
import { step } from '../../infra/setup/progress.mjs';
import { LabError } from '../../src/errors.ts';
import { buildBundle } from '../deploy/bundle.ts';
import { downHost, findHosts, upHost } from '../host/emulated/detached.ts';
import { ensureImage } from '../host/emulated/image.ts';
import { checkPort } from '../host/emulated/emulated-host.ts';
import { defaultXenVersion, parseXenVersion } from '../host/emulated/xen-versions.ts';
import { HostSession } from '../host/host-session.ts';
import { defaultInventory } from '../host/inventory.ts';
import { modelHosts } from '../host/model/model-host.ts';
import { joinTerminal } from '../host/ssh/interactive.ts';
import { SshConnection } from '../host/ssh/ssh-connection.ts';
import { repository } from '../repository.ts';
import { findHost, knownHosts } from './host-options.ts';
import { interruptible } from './interrupt.ts';
import { defaultScenarios } from './defaults.ts';

interface HostCommandArguments {
  name: string | undefined;
  xen: string;
  timing: 'exact' | 'wall';
  port: number;
  inventory: string | undefined;
  json: boolean;
  command: string[];
  /** What stands after `--`. */
  '--'?: string[];
}

type Handler = (argv: ArgumentsCamelCase<HostCommandArguments>) => Promise<void>;

const withInventory = (argv: Argv): Argv =>
  argv.option('inventory', {
    type: 'string',
    describe: `default: ${defaultInventory}, if there is one`,
    requiresArg: true,
  });

const withName = (argv: Argv): Argv => withInventory(argv).positional('name', { type: 'string', demandOption: true });

function action(command: string, describe: string, builder: (argv: Argv) => Argv, handler: Handler): CommandModule {
  return { command, describe, builder, handler: handler as unknown as CommandModule['handler'] };
}

const actions: readonly CommandModule[] = [
  action(
    'list',
    'hosts that are up, those of the inventory, and the models',
    (argv) =>
      withInventory(argv)
        .option('json', { type: 'boolean', default: false, describe: 'one object per line' })
        .example('$0 host list --inventory lab.yaml', 'machines of a lab as well'),
    async ({ inventory, json }) => {
      for (const { name, kind, target } of await knownHosts(inventory)) {
        const where = `${target.user}@${target.address}:${target.port}`;
        const text = json ? JSON.stringify({ name, kind, where }) : `${name.padEnd(24)} ${kind.padEnd(9)} ${where}`;
        process.stdout.write(`${text}\n`);
      }
      for (const { name, kind } of modelHosts) {
        const text = json ? JSON.stringify({ name, kind }) : `${name.padEnd(24)} ${kind.padEnd(9)} no machine`;
        process.stdout.write(`${text}\n`);
      }
    },
  ),
  action(
    'check <name>',
    'reach a host, start the agent, and say what it is',
    (argv) => withName(argv).example('$0 host check lab1', 'is it fit for runs?'),
    async ({ name, inventory }) => {
      const { target, guestCpus } = await findHost(String(name), inventory);
      using interrupt = interruptible();
      const environment = await step(`check ${name}`, async (note) => {
        const bundle = await buildBundle([`${repository}/src/device`, defaultScenarios]);
        await using session = await HostSession.open({
          ...{ target, bundle, guestCpus, note, run: 'check', signal: interrupt.signal },
        });
        return session.environment;
      });
      process.stdout.write(`${JSON.stringify(environment, null, 2)}\n`);
    },
  ),
  action(
    'up [name]',
    'start an emulated host that stays until `host down`',
    (argv) =>
      argv
        .positional('name', { type: 'string', describe: 'default: emulated-<Xen version>' })
        .option('xen', { type: 'string', default: defaultXenVersion, requiresArg: true })
        .option('timing', { choices: ['exact', 'wall'] as const, default: 'exact' as const })
        .option('port', { type: 'number', default: 0, describe: 'for SSH, on 127.0.0.1; 0: any', requiresArg: true })
        .example('$0 host up --xen 4.17', 'one named emulated-4.17')
        .example('$0 host up mine --timing wall', 'one with a name of your own, by the clock'),
    async ({ name, xen, timing, port }) => {
      using interrupt = interruptible();
      const { signal } = interrupt;
      checkPort(port);
      const host = await step('start the host', async (note) => {
        const image = await ensureImage({ xen: parseXenVersion(xen), timing, signal, note });
        return await upHost({ image, sshPort: port, signal, ...(name === undefined ? {} : { name }) });
      });
      process.stdout.write(`${host.name} is up: ssh on 127.0.0.1:${host.ssh.port}, serial log ${host.serialLog}\n`);
      process.stderr.write(`  next: ioreqlab run --host ${host.name}, ioreqlab host shell ${host.name}\n`);
    },
  ),
  action(
    'down <name>',
    'end a host that was started by `host up`',
    (argv) => withName(argv).example('$0 host down emulated-4.20', 'its disk and memory are thrown away'),
    async ({ name }) => {
      await downHost(String(name));
      process.stdout.write(`${name} is down\n`);
    },
  ),
  action(
    'shell <name> [command..]',
    'a shell on a host, or one command',
    (argv) =>
      withName(argv)
        // The command's own options are its own; after `--` even those that we know.
        .parserConfiguration({ 'unknown-options-as-args': true, 'populate--': true })
        .positional('command', { type: 'string', array: true, default: [] })
        .example('$0 host shell emulated-4.20', 'a shell')
        .example('$0 host shell emulated-4.20 xl list', 'one command'),
    async ({ name, inventory, command: words, '--': rest = [] }) => {
      const { target } = await findHost(String(name), inventory);
      const command = [...words, ...rest];
      await using ssh = await SshConnection.open(target);
      if (command.length > 0) {
        const { code, stdout, stderr } = await ssh.run(command);
        process.stdout.write(stdout);
        process.stderr.write(stderr);
        process.exitCode = code ?? 1;
        return;
      }
      const { rows = 24, columns: cols = 80 } = process.stdout;
      const channel = await ssh.shell({ term: process.env['TERM'] ?? 'vt100', rows, cols });
      await joinTerminal(channel, (newRows, newCols) => channel.setWindow(newRows, newCols, 0, 0));
    },
  ),
  action(
    'console <name>',
    "an emulated host's serial console; Ctrl-] leaves it",
    (argv) => withName(argv).example('$0 host console emulated-4.20', "a root shell, and Xen's messages"),
    async ({ name }) => {
      const host = (await findHosts()).find((one) => one.name === name);
      if (host === undefined) {
        throw new LabError(`no emulated host ${name} is up`, {
          blame: 'usage',
          code: 'HOST_UNKNOWN',
          next: 'ioreqlab host up; the console of a run is in its directory: hosts/<name>/serial.log',
        });
      }
      process.stderr.write('connected; Ctrl-] leaves the console\n');
      await joinTerminal(createConnection(host.console));
    },
  ),
];

export const hostCommand: CommandModule = {
  command: 'host',
  describe: 'look after hosts',
  builder: (argv) => {
    for (const one of actions) argv.command(one);
    return argv
      .demandCommand(1, 'what about hosts?')
      .example('$0 host up --xen 4.17', 'a host to work with')
      .example('$0 host shell emulated-4.17 xl info', 'one command on it')
      .example('$0 host check lab1 --inventory lab.yaml', 'is a machine of the lab fit for runs?');
  },
  handler: () => undefined,
};
