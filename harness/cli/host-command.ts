import type { Argv, CommandModule } from 'yargs';
import { defaultInventory, readInventory } from '../host/inventory.ts';

interface HostArguments {
  action: string;
  inventory: string | undefined;
}

export const hostCommand: CommandModule<object, HostArguments> = {
  command: 'host <action> [name]',
  describe: 'look after hosts',
  builder: (argv) =>
    argv
      .positional('action', { choices: ['list'] as const, demandOption: true })
      .options({ inventory: { type: 'string', describe: `default: ${defaultInventory}` } }) as unknown as Argv<HostArguments>,
  handler: async ({ inventory }) => {
    for (const { name } of await readInventory(inventory)) process.stdout.write(`${name}\n`);
  },
};
