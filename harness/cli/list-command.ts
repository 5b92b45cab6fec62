import { resolve } from 'node:path';
import type { CommandModule } from 'yargs';
import { EXIT } from '../../results/index.ts';
import { findScenarios, selectScenarios, withHarm } from '../run/select.ts';
import { withTags } from '../run/tags.ts';
import { listScenarios } from '../run/vitest-run.ts';
import { defaultScenarios } from './defaults.ts';
import { harmsOption, parseHarm } from './harms-option.ts';

interface ListArguments {
  scenario: string[];
  tag: string | undefined;
  harms: string | undefined;
  scenarios: string;
  json: boolean;
}

export const listCommand: CommandModule<object, ListArguments> = {
  command: 'list [scenario..]',
  describe: 'list scenarios',
  builder: (argv) =>
    argv
      .positional('scenario', {
        type: 'string',
        array: true,
        default: [],
        describe: 'ids, topics or files; all by default',
      })
      .options({
        tag: { type: 'string', describe: 'only scenarios with this tag (an expression of Vitest)', requiresArg: true },
        harms: harmsOption,
        scenarios: { type: 'string', default: defaultScenarios, describe: 'directory of scenarios', requiresArg: true },
        json: { type: 'boolean', default: false, describe: 'one JSON object per line' },
      })
      .example('$0 list', 'all scenarios')
      .example('$0 list port-io --json', 'a topic, for programs'),
  handler: async (argv) => {
    const scenarios = resolve(argv.scenarios);
    const named = selectScenarios(await findScenarios(scenarios), argv.scenario, scenarios);
    const files = withHarm(named, parseHarm(argv.harms ?? 'host'), argv.scenario);
    const all = await listScenarios(scenarios, files);
    const listed = argv.tag === undefined ? all : withTags(all, argv.tag);
    const width = Math.max(0, ...listed.map(({ id }) => id.length));
    for (const one of listed) {
      const harm = one.harms === 'none' ? '' : ` (may take the ${one.harms} along)`;
      const text = `${one.id.padEnd(width)}  ${one.environments.join(' ').padEnd(7)}  ${one.title}${harm}`;
      process.stdout.write(`${argv.json ? JSON.stringify(one) : text}\n`);
    }
    if (listed.length === 0) process.exitCode = EXIT.nothingSelected;
  },
};
