// npm run check: everything that must hold before a change lands, in the order that fails fastest.
// npm puts node_modules/.bin on PATH, so the tools are named as they are.
import { spawnSync } from 'node:child_process'

const steps = {
  'generated files': 'node scripts/generate.mjs --check',
  format: 'prettier --check --log-level warn .',
  types: 'tsc -p tsconfig.json',
  lint: 'eslint .',
  arrows: 'depcruise --config .dependency-cruiser.cjs src',
  unused: 'knip',
  build: 'npm run --silent build',
  tests: 'vitest run --project unit --project scenario',
}

for (const [name, command] of Object.entries(steps)) {
  const started = performance.now()
  const { status } = spawnSync(command, { stdio: 'inherit', shell: true })
  console.log(
    `${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`,
  )
  if (status !== 0) process.exit(1)
}
