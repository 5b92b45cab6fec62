import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { runJsonSchema } from './json-schema.ts';

/** After a change of the schema: `npx vitest run results/json-schema --update`. */
test('the published schema is the one of the code', async () => {
  const config = await resolveConfig(import.meta.filename);
  const text = await format(JSON.stringify(runJsonSchema()), { ...config, parser: 'json' });
  await expect(text).toMatchFileSnapshot('./run.schema.json');
});
