import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { exportText, influxInspect } from '../rig/influx-inspect.ts'
import { startInfluxd } from '../rig/influxd.ts'
import { readBack } from '../rig/read-back.ts'

const sample = join(import.meta.dirname, '../../examples/demo')

describe('the shipped sample', () => {
  it('is answered by a real influxd, with its corrections', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'sample-'))
    for (const folder of ['data', 'wal', 'meta'])
      await cp(join(sample, folder), join(dir, folder), { recursive: true })
    const influxd = await startInfluxd({ dir, snapshotAfter: '24h' })
    try {
      const points = await readBack(influxd, { database: 'plant', retentionPolicy: 'autogen' })
      const press = points.filter((point) =>
        point.startsWith('"machine","line"="L1","name"="press" "temperature"'),
      )
      expect(press).toHaveLength(7 * 144)
      expect(points.filter((point) => point.includes(String.raw`"share"="\\\\nas\\press"`))).toHaveLength(
        7 * 24,
      )
      expect(await readBack(influxd, { database: 'energy', retentionPolicy: 'hourly' })).toHaveLength(
        2 * 7 * 24,
      )
    } finally {
      await influxd.remove()
    }
  })

  it.skipIf(influxInspect === undefined).each([
    ['plant', 'autogen'],
    ['plant', 'hourly'],
    ['energy', 'autogen'],
    ['energy', 'hourly'],
  ])('has the export of %s.%s that influx_inspect makes of its files', async (database, policy) => {
    const work = await mkdtemp(join(tmpdir(), 'sample-'))
    try {
      await cp(sample, work, { recursive: true })
      const dirs = { data: join(work, 'data'), wal: join(work, 'wal') }
      const shipped = gunzipSync(await readFile(join(sample, 'export', `${database}.${policy}.lp.gz`)))
      expect(exportText(dirs, '-database', database, '-retention', policy)).toBe(shipped.toString('utf8'))
    } finally {
      await rm(work, { recursive: true, force: true })
    }
  })
})
