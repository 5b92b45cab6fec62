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
          testTimeout: 600_000,
          hookTimeout: 600_000,
          // Each boots a machine of its own, which takes a core.
          maxWorkers: 2,
        },
      },
    ],
  },
});
