import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../../harness/repository.ts';

/**
 * Compiles every TypeScript example in the documents and in docstrings, as a user would write it: a file of its own that
 * imports `ioreqlab/...`. An example that is no whole file starts with `// ...` and is left out.
 */
const files = execFileSync(
  'git',
  ['ls-files', '--', '*.md', 'src/**/*.ts', 'harness/**/*.ts', 'guests/**/*.ts', 'results/**/*.ts'],
  {
    cwd: repository,
    encoding: 'utf8',
  },
)
  .trim()
  .split('\n');
const directory = join(repository, 'build/examples');
rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });

const sources = new Map<string, string>();
for (const file of files) {
  const text = readFileSync(join(repository, file), 'utf8');
  const plain = file.endsWith('.ts') ? text.replaceAll(/^ *\* ?/gm, '') : text;
  for (const match of plain.matchAll(/^```ts\n([\s\S]*?)^```$/gm)) {
    const code = match[1] ?? '';
    if (code.startsWith('// ...')) continue;
    const line = plain.slice(0, match.index).split('\n').length + 1;
    const name = /^\/\/ .*?([\w.-]+\.ts)\b/.exec(code)?.[1] ?? `${file.replaceAll(/[^\w]/g, '-')}-${line}.ts`;
    writeFileSync(join(directory, name), `${code}\nexport {};\n`);
    sources.set(name, `${file}:${line}`);
  }
}
writeFileSync(
  join(directory, 'tsconfig.json'),
  JSON.stringify({ extends: '../../tsconfig.json', compilerOptions: { noUnusedLocals: false }, include: ['.'] }),
);
if (sources.size === 0) throw new Error('no examples were found: the documents or this check have changed');
try {
  execFileSync(join(repository, 'node_modules/.bin/tsc'), ['-p', directory], { cwd: directory, encoding: 'utf8' });
  process.stdout.write(`${sources.size} examples compile\n`);
} catch (error) {
  let output = String((error as { stdout?: string }).stdout ?? error);
  for (const [name, where] of sources) output = output.replaceAll(`${name}(`, `${where} -> ${name}(`);
  process.stdout.write(output);
  process.exitCode = 1;
}
