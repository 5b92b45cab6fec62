import { defineConfig } from 'vitest/config';

/** The project's own tests: `unit` needs nothing, `e2e` boots emulated hosts. Scenarios are run by `ioreqlab run`. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{src,harness,guests,results,infra,scenarios}/**/*.test.ts'],
          exclude: ['**/*.e2e.test.ts'],
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['{src,harness,guests,results,infra,scenarios}/**/*.e2e.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
