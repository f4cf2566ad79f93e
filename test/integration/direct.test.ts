/** `transfer: direct` over TSM files: a slice that fails halfway, and a snapshot that is made again. */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { migrationOf, type Migration } from '../rig/ferry.ts'
import { FerryProcess } from '../rig/ferry-process.ts'
import { openSandbox, type OpenSandbox } from '../rig/open-sandbox.ts'
import { contentsOf, expectSameContents, type Transfer } from '../rig/crash-rig.ts'
import { expectSumsToClose } from '../rig/sums.ts'
import { temporaryFolder } from '../rig/temporary-folder.ts'

const sample = join(import.meta.dirname, '../../examples/demo')
const TARGETS = ['plant/autogen', 'plant/hourly', 'energy/autogen', 'energy/hourly']

async function copyOfSample(): Promise<string> {
  const folder = await temporaryFolder()
  for (const name of ['data', 'wal', 'meta'])
    await cp(join(sample, name), join(folder, name), { recursive: true, preserveTimestamps: true })
  return folder
}

async function migration(
  source: string,
  transfer: Transfer,
  more = '',
): Promise<{ one: Migration; sandbox: OpenSandbox; env: NodeJS.ProcessEnv }> {
  const sandbox = await openSandbox({ faults: ['delay:20ms@1..'] })
  const env = { SANDBOX_URL: sandbox.url, MANAGEMENT_TOKEN: sandbox.managementToken }
  const one = await migrationOf(
    `apiVersion: influx-ferry/v1
name: direct
transfer: ${transfer}
sources:
  - { name: s, kind: data-dir, dataDir: '${source}/data', walDir: '${source}/wal', metaDir: '${source}/meta'${more} }
target:
  url: \${SANDBOX_URL}
  admin: { kind: api, token: '\${MANAGEMENT_TOKEN}' }
  write: { concurrency: 2, batch: { lines: 50 } }
mappings:
  - { source: s, database: '*', retentionPolicy: '*', target: '{database}/{retentionPolicy}' }
`,
    env,
  )
  onTestFinished(async () => {
    await sandbox.close()
    await one.remove()
  })
  return { one, sandbox, env }
}

async function staged() {
  const { one, sandbox } = await migration(await copyOfSample(), 'staged')
  expect(await one.run()).toMatchObject({ exitCode: 0, stderr: '' })
  return { contents: await contentsOf(sandbox, TARGETS), totals: (await one.status()).totals }
}

it('writes what a staged run writes, and names a slice that failed when a part of it was written', async () => {
  const expected = await staged()
  const source = await copyOfSample()
  const path = join(source, 'data/plant/autogen/1/000000001-000000001.tsm')
  const bytes = await readFile(path)
  const damaged = Buffer.from(bytes)
  // The last block, which is before the index.
  const at = Number(bytes.readBigUInt64BE(bytes.length - 8)) - 1
  damaged[at] = (damaged[at] ?? 0) ^ 0x55
  await writeFile(path, damaged)

  const { one, sandbox } = await migration(source, 'direct')
  const first = await one.run()
  expect(first.exitCode).toBe(1)
  expect(first.stdout).toContain('1 slice failed')
  const { slices } = await one.status()
  expect(Object.values(slices).map(({ status }) => status)).toEqual(
    expect.arrayContaining(['failed', 'written', 'written', 'written']),
  )
  expect(Object.values(slices).find(({ status }) => status === 'failed')).toMatchObject({
    code: 'export/tsm-damaged',
    partlyWritten: true,
  })

  await writeFile(path, bytes)
  const second = await one.run()
  expect(second).toMatchObject({ exitCode: 0, stderr: '' })
  expect(second.stdout).toContain('is sent from the start again: it failed after a part of it was written')
  expectSameContents(await contentsOf(sandbox, TARGETS), expected.contents)
  const status = await one.status()
  expectSumsToClose(status)
  expect(status.totals).toEqual(expected.totals)
})

it('goes on where it was killed, from a snapshot that is made again', async () => {
  const expected = await staged()
  const { one, sandbox, env } = await migration(await copyOfSample(), 'direct', ', snapshot: hardlink')
  const run = new FerryProcess(['run', join(one.folder, 'manifest.yaml'), '--json'], { cwd: one.folder, env })
  const sent = () => Object.keys(sandbox.stats().bodies).length
  // Half of the largest slice, which has a WAL.
  await run.sees((event) => event.type === 'phase-started' && event.phase === 'write')
  while (sent() < 20 && run.child.exitCode === null) await sleep(5)
  await run.runFor(700)
  await run.end('SIGKILL')
  const killed = await one.status()
  expect(Object.values(killed.slices).some(({ status }) => status === 'sending')).toBe(true)
  const held = Object.values(killed.slices)
    .flatMap((slice) => (slice.status === 'failed' ? [] : slice.sent.batches))
    .reduce((sum, { first, last }) => sum + last - first + 1, 0)
  expect(held).toBeGreaterThan(0)
  await sleep(200) // what the sandbox had taken is stored
  const sentBefore = sent()

  const again = await one.run()
  expect(again).toMatchObject({ exitCode: 0, stderr: '' })
  expect(again.stdout).not.toContain('from the start again')
  expectSameContents(await contentsOf(sandbox, TARGETS), expected.contents)
  expect((await one.status()).totals).toEqual(expected.totals)
  // Only what the last save had not seen is sent twice.
  const twice = Object.values(sandbox.stats().bodies).filter((count) => count > 1).length
  expect(twice).toBeLessThanOrEqual(sentBefore - held)
})
