#!/usr/bin/env node
// Starts the command line. Plain JavaScript: it teaches Node to load TypeScript first.
try {
  const { register } = await import('tsx/esm/api');
  register();
} catch {
  process.stderr.write('error: the packages of this checkout are not installed\n  next: npm start\n');
  process.exit(2);
}
await import('./main.ts');
