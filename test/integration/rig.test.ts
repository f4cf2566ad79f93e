import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readdir } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { fillWithHardData, type HardDatabase } from '../rig/hard-data.ts'
import { exportText, influxInspect } from '../rig/influx-inspect.ts'
import { startInfluxd, type Influxd } from '../rig/influxd.ts'
import { readBack } from '../rig/read-back.ts'
import { startVictoriaMetrics } from '../rig/victoria-metrics.ts'

describe('hard data in a real influxd', () => {
  let influxd: Influxd
  let databases: HardDatabase[]

  beforeAll(async () => {
    influxd = await startInfluxd()
    databases = await fillWithHardData(influxd, { walDeletes: true, inexpressible: true, series: 1000 })
  })
  afterAll(() => influxd.remove())

  const expectAll = async () => {
    for (const one of databases) {
      const expected = one.expected()
      expect(expected.length).toBeGreaterThan(5)
      expect(await readBack(influxd, one), `${one.database}/${one.retentionPolicy}`).toEqual(expected)
    }
  }

  it('is answered as it was written', expectAll)

  it('lies in several generations of TSM files, in tombstones and in the WAL', async () => {
    const files = await readdir(influxd.dirs.data, { recursive: true })
    expect(files).toContainEqual(expect.stringMatching(/^plant\/autogen\/\d+\/0+2-0+1\.tsm$/))
    expect(files).toContainEqual(expect.stringMatching(/^plant\/stündlich 1h\/\d+\/.*\.tombstone$/))
    expect(await readdir(influxd.dirs.wal, { recursive: true })).toContainEqual(
      expect.stringMatching(/^plant\/autogen\/\d+\/_\d+\.wal$/),
    )
  })

  it('survives a restart', async () => {
    await influxd.restart()
    await expectAll()
  })

  it('survives a kill', async () => {
    await influxd.kill()
    await influxd.restart()
    await expectAll()
  })

  it.skipIf(influxInspect === undefined)('is exported by influx_inspect, overwritten points and all', () => {
    const text = exportText(influxd.dirs, '-database', 'plant', '-retention', 'autogen')
    expect(text.match(/^machine,line=L0,site=Süd state="state 0 of generation \d"/gm)).toEqual([
      'machine,line=L0,site=Süd state="state 0 of generation 1"',
      'machine,line=L0,site=Süd state="state 0 of generation 3"',
    ])
  })
})

describe('a real victoria-metrics', () => {
  it('takes gzipped line protocol over v1 and v2 and gives it back', async () => {
    const server = await startVictoriaMetrics()
    try {
      const write = (path: string, lines: string) =>
        fetch(`${server.url}${path}`, {
          method: 'POST',
          headers: { 'content-encoding': 'gzip', authorization: 'Token any' },
          body: gzipSync(lines),
        })
      const v1 = await write('/write?db=a/b&precision=ns', 'm,t=x f=1.5,i=3i 1614556800000000000')
      const v2 = await write('/api/v2/write?bucket=a/b&precision=ns', 'm,t=y f=2.5 1614556800000000000')
      expect([v1.status, v2.status]).toEqual([204, 204])
      expect(await server.exported('{__name__="m_f"}')).toEqual([
        { metric: { __name__: 'm_f', db: 'a/b', t: 'x' }, values: [1.5], timestamps: [1614556800000] },
        { metric: { __name__: 'm_f', t: 'y' }, values: [2.5], timestamps: [1614556800000] },
      ])
    } finally {
      await server.remove()
    }
  })
})
