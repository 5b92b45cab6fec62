import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { entryPoints } from '../../harness/entry-points.ts';
import { repository } from '../../harness/repository.ts';
import { publicNames } from './public-names.ts';

/**
 * Writes docs/api.md: every public name with the first paragraph of its docstring. With `--check` it writes nothing, and
 * fails when the file is not what it would write, or when a name has no docstring.
 */
const target = join(repository, 'docs/api.md');

const paragraphOf = (docstring: string): string =>
  (docstring.split(/\n\s*\n|^@/m)[0] ?? '')
    .replaceAll(/\{@link (\S+?)\}/g, '`$1`')
    .replaceAll(/\s+/g, ' ')
    .trim();

const sections: string[] = [];
const undescribed: string[] = [];
for (const entry of Object.keys(entryPoints)) {
  const lines = publicNames(entry).map(({ name, kind, file, docstring }) => {
    if (docstring === undefined) undescribed.push(`${entry}: ${name} (${file})`);
    return `- **[${name}](../${file})** (${kind}): ${paragraphOf(docstring ?? '')}`;
  });
  sections.push(`## ${entry}\n\n${lines.join('\n')}`);
}
const text = [
  '# Public names',
  'Every name that can be imported, and what its docstring begins with; the rest is behind the link: shapes, units, threads, errors, where Xen does what is described. Written by `node --import tsx infra/docs/api-reference.ts`.',
  ...sections,
].join('\n\n');
const formatted = await format(text, { ...(await resolveConfig(target)), parser: 'markdown' });

if (undescribed.length > 0) {
  process.stdout.write(`public names without a docstring:\n${undescribed.join('\n')}\n`);
  process.exitCode = 1;
} else if (!process.argv.includes('--check')) writeFileSync(target, formatted);
else if (readFileSync(target, 'utf8') !== formatted) {
  process.stdout.write('docs/api.md is not what the docstrings say: node --import tsx infra/docs/api-reference.ts\n');
  process.exitCode = 1;
} else process.stdout.write('every public name has a docstring, and docs/api.md shows it\n');
