/** Comparing with the source: what was changed by hand in the sandbox's store is named, and equal means equal. */
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Verification } from '../../src/verify/verification.generated.ts'
import { migrationOf, type Finished } from '../rig/ferry.ts'
import { openSandbox, type OpenSandbox } from '../rig/open-sandbox.ts'
import { SandboxStore } from '../rig/sandbox-store.ts'
import { temporaryFolder } from '../rig/temporary-folder.ts'
import { WriteServer } from '../rig/write-server.ts'

const sample = join(import.meta.dirname, '../../examples/demo')

interface Moved {
  source: string
  /** Stops the sandbox, changes its store, and starts it again at the same address. */
  change(work: (store: SandboxStore) => Promise<void>): Promise<void>
  verify: (...flags: string[]) => Promise<Finished>
  /** `verify --json`: what differs, without the slice's id. */
  differences(...flags: string[]): Promise<Verification['differences']>
  rerun: (...flags: string[]) => Promise<Finished>
  run: (...flags: string[]) => Promise<Finished>
  folder: string
  sandbox: () => OpenSandbox
}

/** The sample of the demo in a sandbox that keeps its store in a folder. */
async function moved(more = '', faults: string[] = []): Promise<Moved> {
  const source = await temporaryFolder()
  for (const name of ['data', 'wal', 'meta'])
    await cp(join(sample, name), join(source, name), { recursive: true, preserveTimestamps: true })
  const dir = join(await temporaryFolder(), 'sandbox')
  let sandbox = await openSandbox({ dir, faults })
  const { port, url, managementToken } = sandbox
  const migration = await migrationOf(
    `apiVersion: influx-ferry/v1
name: proof
sources:
  - { name: s, kind: data-dir, dataDir: '${source}/data', walDir: '${source}/wal', metaDir: '${source}/meta' }
target:
  url: \${SANDBOX_URL}
  admin: { kind: api, token: '\${MANAGEMENT_TOKEN}' }
mappings:
  - { source: s, database: '*', retentionPolicy: '*', target: '{database}/{retentionPolicy}' }
${more}`,
    { SANDBOX_URL: url, MANAGEMENT_TOKEN: managementToken },
  )
  onTestFinished(async () => {
    await sandbox.close()
    await migration.remove()
  })
  expect(await migration.run()).toMatchObject({ exitCode: 0, stderr: '' })
  const verify = (...flags: string[]) => migration.command('verify', ...flags)
  return {
    source,
    folder: migration.folder,
    sandbox: () => sandbox,
    async change(work) {
      await sandbox.close()
      await SandboxStore.change(dir, work)
      sandbox = await openSandbox({ dir, port, faults, managementToken })
    },
    verify,
    async differences(...flags) {
      const { stdout, stderr, exitCode } = await verify('--json', ...flags)
      expect(stderr).not.toContain('error')
      const record = JSON.parse(stdout) as Verification
      expect(exitCode).toBe(record.differences.length > 0 ? 3 : 0)
      return record.differences
    },
    rerun: (...flags) => migration.command('rerun', ...flags),
    run: (...flags) => migration.run(...flags),
  }
}

describe.each(['basic', 'full'] as const)('at level %s', (level) => {
  it('names a value that was changed, a point that was deleted, a field that is there twice, and a wrong type', async () => {
    const one = await moved()
    expect(await one.differences('--level', level)).toEqual([])
    await one.change(async (store) => {
      await store.set('plant/autogen', 'machine', 'temperature', 1234, '-273.25')
      await store.set('plant/autogen', 'quality', 'part', 7, 'NULL')
      await store.repeatLater('energy/autogen', 'power', 'kw', 5)
      await store.retype('energy/hourly', 'power_hourly', 'mean_kw', 'string', 'VARCHAR')
    })
    const found = await one.differences('--level', level)
    expect(
      found.map(({ kind, target, measurement, field }) => [kind, target, measurement, field].join(' ')),
    ).toEqual([
      'extra energy/autogen power kw',
      'type energy/hourly power_hourly mean_kw',
      'value plant/autogen machine temperature',
      'missing plant/autogen quality part',
    ])
    const [extra, type, value, missing] = found
    expect(extra).toMatchObject({ series: expect.stringMatching(/^power,/) as string })
    expect(BigInt(Date.parse(extra?.start ?? '')) % 1000n).toBe(0n)
    expect(extra?.start).toMatch(/\.000000001Z$/)
    expect(type).toMatchObject({ source: 'field of type float', cluster: 'field of type string' })
    expect(value).toMatchObject({
      cluster: '-273.25',
      source: expect.stringMatching(/^\d+(\.\d+)?$/) as string,
      series: expect.stringMatching(/^machine,/) as string,
    })
    expect(missing).toMatchObject({ source: expect.stringMatching(/^\d+i$/) as string })
    expect(missing).not.toHaveProperty('cluster')
  })
})

it('sees at level full what leaves all figures as they are, and at level basic not', async () => {
  const one = await moved()
  await one.change((store) => store.set('plant/autogen', 'quality', 'verdict', 100, "'other'"))
  const basic = await one.differences('--level', 'basic')
  const full = await one.differences('--level', 'full')
  expect(basic).toEqual([])
  expect(full).toEqual([expect.objectContaining({ kind: 'value', field: 'verdict', cluster: '"other"' })])
})

it('is equal in windows that a query may not exceed, and narrows down in them', async () => {
  const one = await moved('', ['query-limit:4000'])
  await one.change((store) => store.set('plant/autogen', 'machine', 'temperature', 3000, '99.5'))
  for (const level of ['basic', 'full'])
    expect(await one.differences('--level', level)).toEqual([
      expect.objectContaining({ kind: 'value', field: 'temperature', cluster: '99.5' }),
    ])
})

it('names slice, measurement, field and window when the source is gone, and the point when it is there', async () => {
  const one = await moved()
  await one.change((store) => store.set('plant/autogen', 'machine', 'temperature', 0, '1000'))
  const named = await one.differences('--source', 'files')
  expect(named).toEqual([expect.objectContaining({ kind: 'value', cluster: '1000' })])
  await rm(join(one.source, 'data/plant/autogen'), { recursive: true })
  await rm(join(one.source, 'wal/plant/autogen'), { recursive: true })
  const found = await one.differences()
  expect(found).toEqual([
    expect.objectContaining({
      kind: 'figures',
      measurement: 'machine',
      field: 'temperature',
      start: '2024-03-04T00:00:00Z',
      end: '2024-03-11T00:00:00Z',
      cluster: expect.stringContaining('max 1000') as string,
    }),
  ])
  expect(found[0]).not.toHaveProperty('series')
  const { stdout } = await one.verify('--source', 'files')
  expect(stdout).toContain('the source no longer holds its shard')
})

it('moves again what differs, and nothing else', async () => {
  const one = await moved()
  await one.change(async (store) => {
    await store.set('plant/autogen', 'machine', 'temperature', 42, '1000')
    await store.set('plant/hourly', 'machine_hourly', 'count', 3, 'NULL')
  })
  expect(await one.verify()).toMatchObject({ exitCode: 3 })
  const before = one.sandbox().stats().writeRequests
  const again = await one.rerun('--differing')
  expect(again.stderr).toContain('points that are only in the cluster stay there')
  expect(again).toMatchObject({ exitCode: 0 })
  expect(one.sandbox().stats().writeRequests).toBeGreaterThan(before)
  expect(again.stdout).not.toMatch(/(exported|written) s.energy/)
  expect(await one.differences('--level', 'full')).toEqual([])
})

it('does in a run only what is not compared yet', async () => {
  const one = await moved('verify: { level: none }')
  const manifest = join(one.folder, 'manifest.yaml')
  const text = await readFile(manifest, 'utf8')
  expect((await one.run()).stdout).toContain('Nothing to do')
  await writeFile(manifest, text.replace('level: none', 'level: basic'))
  const first = await one.run()
  expect(first.stdout).toContain('verify: 4 slices equal (basic)')
  expect((await one.run()).stdout).toContain('Nothing to do')
  await writeFile(manifest, text.replace('level: none', 'level: full'))
  expect((await one.run()).stdout).toContain('verify: 4 slices equal (full)')
  expect((await one.run('--only', 'verify')).stdout).toContain('verify: 4 slices equal (full)')
})

it('says what to do where the target has no /query', async () => {
  const server = new WriteServer(({ url }) => ({ status: url.pathname === '/query' ? 404 : 204 }))
  const url = await server.listen()
  onTestFinished(() => server.close())
  const manifest = (more: string) => `apiVersion: influx-ferry/v1
name: blind
sources:
  - { name: s, kind: line-protocol, files: [all.lp] }
target: { url: '${url}', admin: { kind: none } }
mappings:
  - { source: s, target: db }
tokens:
  - { env: INFLUX_TOKEN }
${more}`
  const migration = await migrationOf(manifest(''), { INFLUX_TOKEN: 'any' })
  onTestFinished(() => migration.remove())
  await writeFile(join(migration.folder, 'all.lp'), 'm f=1 1\n')
  const failed = await migration.run()
  expect(failed.exitCode).toBe(1)
  expect(failed.stderr).toContain('(verify/no-query)')
  expect(failed.stderr).toContain('verify: { level: none }')
  await migration.rewrite(manifest('verify: { level: none }'))
  const done = await migration.run()
  expect(done.exitCode).toBe(0)
  expect(done.stdout).toContain('Nothing to do')
})
