import { createTagsFilter } from '@vitest/runner/utils';
import { LabError, messageOf } from '../../src/errors.ts';
import { nearest } from './select.ts';

/**
 * Those whose tags fit an expression of Vitest: tags, `and`, `or`, `not`, parentheses, `*`.
 *
 * @throws LabError with blame `usage`: `TAG_UNKNOWN`, `TAG_INVALID`
 */
export function withTags<T extends { readonly tags: readonly string[] }>(all: readonly T[], expression: string): T[] {
  const known = [...new Set(all.flatMap(({ tags }) => tags))].sort();
  let fits: (tags: string[]) => boolean;
  try {
    fits = createTagsFilter(
      [expression],
      known.map((name) => ({ name })),
    );
  } catch (error) {
    throw explain(messageOf(error), expression, known);
  }
  return all.filter(({ tags }) => fits([...tags]));
}

function explain(message: string, expression: string, known: readonly string[]): LabError {
  const next = known.length === 0 ? 'ioreqlab list' : `choose of these: ${known.join(', ')}`;
  // What Vitest says of a tag that it does not know speaks of its configuration, which is ours.
  const unknown = /"([^"]*)" (?:is not defined|tag pattern)/.exec(message)?.[1];
  if (unknown === undefined) {
    return new LabError(`--tag ${JSON.stringify(expression)}: ${message}`, {
      blame: 'usage',
      code: 'TAG_INVALID',
      next,
    });
  }
  const near = nearest(unknown, known);
  return new LabError(
    `no scenario has the tag ${JSON.stringify(unknown)}${near === undefined ? '' : `; did you mean ${near}?`}`,
    { blame: 'usage', code: 'TAG_UNKNOWN', next },
  );
}
