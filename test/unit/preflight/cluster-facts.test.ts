/** The sandbox as the cluster that is asked. */
import { expect, onTestFinished, test } from 'vitest'
import { openAdmin } from '../../../src/cluster/admin.ts'
import { askCluster } from '../../../src/preflight/cluster-facts.ts'
import { systemClock } from '../../../src/io/clock.ts'
import { loadText, manifestText } from '../../rig/manifest-text.ts'
import { openSandbox, type OpenSandbox } from '../../rig/open-sandbox.ts'

const { signal } = new AbortController()

async function asked(tokenOf: (sandbox: OpenSandbox) => string) {
  const sandbox = await openSandbox({}, { maxTables: 7 })
  onTestFinished(() => sandbox.close())
  await sandbox.write('m,t=a f=1,s="x" 1\nn u=1i 1')
  const env = { TOKEN: tokenOf(sandbox), ADMIN: sandbox.managementToken }
  const { migration, lines } = await loadText(
    manifestText({
      target: `target: { url: '${sandbox.url}', admin: { kind: api, token: '\${ADMIN}' } }`,
      tokens: `tokens: [{ env: TOKEN, description: given, read: ['*'], write: ['*'] }]`,
    }),
    { env },
  )
  if (migration === undefined) throw new Error(lines.join('\n'))
  Object.assign(process.env, env)
  const before = sandbox.stats()
  const admin = await openAdmin(migration.target, signal)
  onTestFinished(() => admin?.close())
  const { tokens } = migration
  const facts = await askCluster({
    migration,
    tokens,
    admin,
    targets: ['db', 'missing'],
    clock: systemClock,
    signal,
  })
  return { facts, before, after: sandbox.stats() }
}

test('databases, columns and the clock; a probe writes nothing', async () => {
  const { facts, before, after } = await asked(({ token }) => token)
  expect(facts.databases?.get('db')).toMatchObject({ maxTables: 7 })
  expect(Object.fromEntries(facts.tables.get('db') ?? [])).toEqual({
    m: {
      tags: new Set(['t']),
      fields: new Map([
        ['f', 'float'],
        ['s', 'string'],
      ]),
    },
    n: { tags: new Set(), fields: new Map([['u', 'integer']]) },
  })
  expect(Math.abs(facts.clockDifference ?? NaN)).toBeLessThan(5000)
  expect({ refusals: facts.refusals, notes: facts.notes }).toEqual({ refusals: [], notes: [] })
  expect({ lines: after.lines, points: after.points }).toEqual({ lines: before.lines, points: before.points })
})

test('a token that may do nothing', async () => {
  const { facts } = await asked(() => 'apiv1_nobody')
  expect(facts.refusals.map(({ database, action }) => [database, action])).toEqual([
    ['db', 'read'],
    ['db', 'write'],
  ])
  expect(facts.notes).toEqual([
    'columns that "db" has already are not known: there is no token at hand that may read them',
  ])
})
