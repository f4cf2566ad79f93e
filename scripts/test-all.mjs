// npm run test:all: installs the test servers, then every step and every test, none held back by another's failure.
// The last line is the sum: `N passed, N failed, N skipped`. With CI=true a skipped integration test is a failure.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { integrationTests, steps, tests } from './steps.mjs'

const inCi = process.env.CI === 'true'
const reports = '.cache/test-reports'
const sum = { passed: 0, failed: 0, skipped: 0 }
const failures = []

rmSync(reports, { recursive: true, force: true })
mkdirSync(reports, { recursive: true })

runStep('test servers', 'scripts/install-test-servers.sh')
for (const [name, command] of Object.entries(steps)) runStep(name, command)
runTests('tests', tests)
const integration = runTests('integration tests', integrationTests)
if (inCi && integration.passed === 0) fail('integration tests: none ran')
if (inCi && integration.skipped > 0) fail(`integration tests: ${integration.skipped} skipped in CI`)

for (const failure of failures) console.log(`FAIL ${failure}`)
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
process.exit(sum.failed === 0 ? 0 : 1)

function fail(reason) {
  sum.failed += 1
  failures.push(reason)
}

function run(name, command) {
  const started = performance.now()
  const { status } = spawnSync(command, { stdio: 'inherit', shell: true })
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`)
  return status
}

function runStep(name, command) {
  if (run(name, command) !== 0) fail(name)
}

/** Runs one vitest command and adds its sums; what failed outside any test (a file that does not load) counts as well. */
function runTests(name, command) {
  const report = `${reports}/${name.replaceAll(' ', '-')}.json`
  const status = run(name, `${command} --reporter=default --reporter=json --outputFile.json=${report}`)
  const counts = countsOf(report)
  if (counts === undefined) {
    fail(`${name}: no report`)
    return { passed: 0, skipped: 0 }
  }
  for (const key of Object.keys(sum)) sum[key] += counts[key]
  if (counts.failed > 0) failures.push(`${name}: ${counts.failed}`)
  else if (status !== 0) fail(`${name}: vitest ended with ${status}`)
  return counts
}

function countsOf(report) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
      readFileSync(report, 'utf8'),
    )
    const broken = testResults.filter(
      ({ status, assertionResults }) =>
        status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
    )
    for (const { name, message } of broken) console.log(`FAIL ${name}: ${message}`)
    return {
      passed: numPassedTests,
      failed: numFailedTests + broken.length,
      skipped: numPendingTests + numTodoTests,
    }
  } catch {
    return undefined
  }
}
