#!/usr/bin/env node
// Starts the bench of the report. Plain JavaScript: it teaches Node to load TypeScript first.
import { register } from 'tsx/esm/api';

register();
await import('./bench.ts');
