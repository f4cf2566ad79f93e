import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test, onTestFinished } from 'vitest'
import type { WalNote } from '../../src/source/tsm/wal-segment.ts'
import { fillWithHardData } from '../rig/hard-data.ts'
import { createDatabase, eventsFrom, happen, History, live, POLICY } from '../rig/histories.ts'
import { startInfluxd, type Influxd } from '../rig/influxd.ts'
import { readBack } from '../rig/read-back.ts'
import { filesOf, slowRead } from '../rig/tsm-slow-read.ts'

const SEED = Number(process.env.SEED ?? 1)
const HISTORIES = Number(process.env.HISTORIES ?? 40)
const PHASES = Number(process.env.PHASES ?? 6)

async function influxdOfTest(options = {}): Promise<Influxd> {
  const influxd = await startInfluxd(options)
  onTestFinished(() => influxd.remove())
  return influxd
}

describe('what the file layer gives, decoded slowly, is what influxd answers', () => {
  test('hard data', async () => {
    const influxd = await influxdOfTest()
    const databases = await fillWithHardData(influxd, { walDeletes: true, inexpressible: true })
    for (const { database, retentionPolicy, expected } of databases) {
      const read = await slowRead(filesOf(influxd.dirs, database, retentionPolicy))
      expect(read, database).toEqual(expected())
    }
  })

  test(`random histories, SEED=${SEED} HISTORIES=${HISTORIES} PHASES=${PHASES}`, async () => {
    const influxd = await influxdOfTest({ snapshotAfter: '24h' })
    const scratch = await mkdtemp(join(tmpdir(), 'influx-ferry-test-'))
    onTestFinished(() => rm(scratch, { recursive: true, force: true }))
    const histories = Array.from({ length: HISTORIES }, (_, i) => new History(SEED * 1000 + i))
    for (const history of histories) await createDatabase(influxd, history)
    const seen = new Map<number, string>()
    for (const [phase, event] of eventsFrom(SEED, PHASES).entries()) {
      const where = (seed: number) => `history ${seed}, phase ${phase}, before ${event}`
      for (const history of histories) {
        await live(influxd, history, history.phase())
        const { database, seed } = history
        const answer = await readBack({ url: influxd.url }, { database, retentionPolicy: POLICY })
        const files = filesOf(influxd.dirs, database, POLICY)
        const notes: WalNote[] = []
        const onNote = (note: WalNote) => notes.push(note)
        expect(await slowRead(files, { onNote }), where(seed)).toEqual(answer)
        // Again with next to no memory: the WAL in many runs.
        const little = { memory: 400_000, temporaryFolder: scratch, onNote }
        if (seed % 4 === 0) expect(await slowRead(files, little), where(seed)).toEqual(answer)
        expect(notes, where(seed)).toEqual([])
        seen.set(seed, answer.join('\n'))
      }
      await happen(influxd, event, histories)
    }
    for (const { database, seed } of histories) {
      const answer = await readBack({ url: influxd.url }, { database, retentionPolicy: POLICY })
      expect(answer.join('\n'), `${seed}: influxd itself answers otherwise after the last event`).toBe(
        seen.get(seed),
      )
      expect(await slowRead(filesOf(influxd.dirs, database, POLICY)), `history ${seed}`).toEqual(answer)
    }
  })
})
