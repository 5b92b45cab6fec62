// Runs the conformance suite on a model for each breakage that is named, and prints a line of JSON for each.
import { join } from 'node:path';
import { repository } from '../../../repository.ts';
import { findScenarios, selectScenarios } from '../../../run/select.ts';
import { runScenarios } from '../../../run/vitest-run.ts';
import { breakages } from './breakages.ts';

const [directory = ''] = process.argv.slice(2);
const scenarios = join(repository, 'scenarios');
const files = selectScenarios(await findScenarios(scenarios), ['conformance'], scenarios);
for (const name of Object.keys(breakages)) {
  const breakage = { module: join(import.meta.dirname, 'breakages.ts'), name };
  const outcomes = await runScenarios({
    context: {
      host: { name: 'model-4.20', kind: 'model', timing: 'none', model: '4.20', breakage },
      ...{ relay: '', directory, scenarios, repeat: 1, environments: ['pvh'] },
    },
    ...{ files, retries: 0, onOutcome: () => undefined },
  });
  const told = outcomes.map(({ id, verdict, error }) => [id, verdict, error?.message.split('\n')[0] ?? '']);
  process.stdout.write(`${JSON.stringify({ name, outcomes: told })}\n`);
}
