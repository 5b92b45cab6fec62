// npm run check: types, lint and import rules, format, the examples in the documents.

import { runParts } from './run-step.mjs';

const node = process.execPath;

await runParts([
  { name: 'types', command: node, words: ['node_modules/typescript/bin/tsc', '-p', '.'] },
  { name: 'lint and import rules', command: 'node_modules/.bin/oxlint', words: ['--type-aware', '--deny-warnings'] },
  {
    name: 'format',
    command: node,
    words: ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'],
  },
  { name: "documents' examples", command: node, words: ['--import', 'tsx', 'infra/test/check-examples.ts'] },
  { name: 'public names', command: node, words: ['--import', 'tsx', 'infra/docs/api-reference.ts', '--check'] },
]);
