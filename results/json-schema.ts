import { z } from 'zod';
import { runSchema } from './run-schema.ts';

/** `run.json` as JSON Schema (2020-12). Unknown fields are allowed, since later versions add some. */
export function runJsonSchema(): object {
  const schema = z.toJSONSchema(runSchema, { io: 'input' });
  return { title: 'run.json of ioreqlab', ...schema };
}
