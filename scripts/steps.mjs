/** What must hold before a change lands, in the order that fails fastest. npm puts node_modules/.bin on PATH. */
export const steps = {
  'generated files': 'node scripts/generate.mjs --check',
  format: 'prettier --check --log-level warn .',
  types: 'tsc -p tsconfig.json',
  lint: 'eslint .',
  arrows: 'depcruise --config .dependency-cruiser.cjs src',
  unused: 'knip',
  build: 'npm run --silent build',
}

/** The tests that need nothing but npm packages. */
export const tests = 'vitest run --project unit --project scenario'

/** The tests that start real servers (scripts/install-test-servers.sh). */
export const integrationTests = 'vitest run --project integration'
