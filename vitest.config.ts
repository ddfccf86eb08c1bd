import { defineConfig } from 'vitest/config';

// biome-ignore lint/style/noDefaultExport: vitest reads the default export
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'scripts/**/*.test.ts'],
    setupFiles: ['src/testing/between-tests.ts'],
    pool: 'forks',
    poolOptions: { forks: { minForks: 1, maxForks: 2 } },
    // What was translated before must not matter; who tests that has a folder of its own.
    env: { MODBOX_TRANSLATIONS: 'off' },
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
});
