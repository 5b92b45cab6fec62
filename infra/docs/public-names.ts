import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { entryPoints } from '../../harness/entry-points.ts';
import { repository } from '../../harness/repository.ts';

/** A name that an entry point exports. */
export interface PublicName {
  readonly name: string;
  /** `const`, `function`, `class`, `interface` or `type`. */
  readonly kind: string;
  /** Path of the file that declares it, from the checkout's root. */
  readonly file: string;
  /** The docstring's text, without its frame; undefined when there is none. */
  readonly docstring: string | undefined;
}

const declaration =
  /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*)?^export (?:declare )?(?:async )?(?:abstract )?(const|function|class|interface|type) (\w+)\b(?! *,)/gm;
const reexport = /^export (?:type )?(?:\*|\{([^}]*)\}) from '([^']+)';/gm;
const reexportOfImports = /^export (?:type )?\{([^}]*)\};/gm;
const importOf = /^import (?:type )?\{([^}]*)\} from '([^']+)';/gm;

/**
 * Every name that an entry point of package.json exports, with its docstring, by the text of the files: TypeScript 7 has no
 * interface for programs. What comes from another package (`expect` of Vitest) is that package's.
 *
 * @param entry such as `ioreqlab/device`
 */
export function publicNames(entry: string): PublicName[] {
  const file = entryPoints[entry];
  if (file === undefined) throw new Error(`there is no entry point ${entry}`);
  const names = namesOf(file);
  if (names.size === 0) throw new Error(`${entry} exports nothing that could be found: its form has changed`);
  return [...names.values()].sort((a, b) => a.name.localeCompare(b.name, 'en'));
}

function namesOf(file: string): Map<string, PublicName> {
  const text = readFileSync(file, 'utf8');
  const found = new Map<string, PublicName>();
  for (const [, comment, kind = '', name = ''] of text.matchAll(declaration)) {
    // Of overloads the first one that is described counts.
    if (found.get(name)?.docstring !== undefined) continue;
    found.set(name, { name, kind, file: relative(repository, file), docstring: plain(comment) });
  }
  const imports = new Map<string, string>();
  for (const [, list = '', from = ''] of text.matchAll(importOf)) {
    for (const [name] of namesIn(list)) imports.set(name, from);
  }
  const add = (name: string, alias: string, from: string): void => {
    const other = from.startsWith('.') ? namesOf(join(dirname(file), from)).get(name) : undefined;
    if (other !== undefined) found.set(alias, { ...other, name: alias });
    else if (from.startsWith('.')) throw new Error(`${file} exports ${name}, which is not to be found in ${from}`);
  };
  for (const [, list, from = ''] of text.matchAll(reexport)) {
    if (list === undefined) for (const [name, other] of namesOf(join(dirname(file), from))) found.set(name, other);
    else for (const [name, alias] of namesIn(list)) add(name, alias, from);
  }
  for (const [, list = ''] of text.matchAll(reexportOfImports)) {
    for (const [name, alias] of namesIn(list)) add(name, alias, imports.get(name) ?? '.');
  }
  return found;
}

/** The names in braces, and what they are called outside. */
function namesIn(list: string): (readonly [name: string, alias: string])[] {
  return list
    .split(',')
    .map((item) => item.trim().replace(/^type /, ''))
    .filter((item) => item !== '')
    .map((item) => {
      const [name = '', alias = name] = item.split(' as ');
      return [name, alias] as const;
    });
}

function plain(comment: string | undefined): string | undefined {
  const text = comment?.replaceAll(/^[ \t]*\* ?/gm, '').trim();
  return text === '' ? undefined : text;
}
