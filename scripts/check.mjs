// npm run check: every step in order, up to the first that fails.
import { spawnSync } from 'node:child_process'
import { steps, tests } from './steps.mjs'

for (const [name, command] of Object.entries({ ...steps, tests })) {
  const started = performance.now()
  const { status } = spawnSync(command, { stdio: 'inherit', shell: true })
  console.log(
    `${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`,
  )
  if (status !== 0) process.exit(1)
}
