import { defineConfig } from 'vitest/config'

/**
 * Unit, property and scenario tests run side by side; integration tests start real servers and go one after another.
 * Time limits are there to end what hangs, on a busy machine too; no test is about time.
 */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/{unit,property}/**/*.test.ts'], testTimeout: 120_000 } },
      {
        test: {
          name: 'scenario',
          include: ['test/scenario/**/*.test.ts'],
          globalSetup: ['test/rig/build.ts'],
          testTimeout: 240_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/rig/build.ts'],
          testTimeout: 600_000,
          hookTimeout: 400_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
