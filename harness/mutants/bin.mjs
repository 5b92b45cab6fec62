#!/usr/bin/env node
// npm run mutants: plain JavaScript that teaches Node to load TypeScript first.
import { register } from 'tsx/esm/api';

register();
await import('./main.ts');
