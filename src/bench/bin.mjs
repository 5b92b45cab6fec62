#!/usr/bin/env node
// Starts the bench. Plain JavaScript: it teaches Node to load TypeScript first.
import { register } from 'tsx/esm/api';

register();
await import('./bench.ts');
