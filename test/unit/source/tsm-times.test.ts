import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseRfc3339 } from '../../../src/core/time.ts'
import { readTsmTimes } from '../../../src/source/tsm-times.ts'
import { temporaryFolder } from '../../rig/temporary-folder.ts'

const SHARDS = join(import.meta.dirname, '../../../examples/demo/data/energy/autogen')

async function sampleFile(): Promise<string> {
  const names = await readdir(SHARDS, { recursive: true })
  return join(SHARDS, names.find((name) => name.endsWith('.tsm')) ?? '')
}

/** A file with one index entry list a key, blocks left out. `entries` are [min, max] times. */
function tsmFile(keys: { key: string; entries: [bigint, bigint][] }[]): Buffer {
  const index = keys.map(({ key, entries }) => {
    const head = Buffer.alloc(2)
    head.writeUInt16BE(Buffer.byteLength(key))
    const tail = Buffer.alloc(3)
    tail.writeUInt16BE(entries.length, 1)
    const blocks = entries.map(([min, max]) => {
      const entry = Buffer.alloc(28)
      entry.writeBigInt64BE(min)
      entry.writeBigInt64BE(max, 8)
      return entry
    })
    return Buffer.concat([head, Buffer.from(key), tail, ...blocks])
  })
  const footer = Buffer.alloc(8)
  footer.writeBigUInt64BE(5n)
  return Buffer.concat([Buffer.from([0x16, 0xd1, 0x16, 0xd1, 1]), ...index, footer])
}

describe('times of a TSM file', () => {
  it('are those of the points a real influxd wrote', async () => {
    const { start, end } = await readTsmTimes(await sampleFile())
    expect(start).toBe(parseRfc3339('2024-03-04T00:00:00Z'))
    expect(end).toBeGreaterThan(start)
    expect(end).toBeLessThanOrEqual(parseRfc3339('2024-03-11T00:00:00Z') ?? 0n)
  })

  it('span all keys and all blocks, to the ends of int64, over an index larger than one read', async () => {
    const path = join(await temporaryFolder(), 'a.tsm')
    const keys = Array.from({ length: 3000 }, (_, i) => ({
      key: `m,host=${'x'.repeat(i % 300)}#!~#f`,
      entries: Array.from({ length: 1 + (i % 20) }, (_, j): [bigint, bigint] => [
        BigInt(j * 10),
        BigInt(j * 10 + 9),
      ]),
    }))
    keys.splice(1500, 0, {
      key: 'ends',
      entries: [
        [-(2n ** 63n), 0n],
        [1n, 2n ** 63n - 1n],
      ],
    })
    await writeFile(path, tsmFile(keys))
    expect(await readTsmTimes(path)).toEqual({ start: -(2n ** 63n), end: 2n ** 63n })
  })

  it('of a damaged file fail with its name', async () => {
    const whole = await readFile(await sampleFile())
    const path = join(await temporaryFolder(), 'a.tsm')
    const noMagic = Buffer.from(whole)
    noMagic[0] = 0
    const damaged = {
      empty: Buffer.alloc(0),
      'no magic': noMagic,
      cut: whole.subarray(0, whole.length - 100),
      'cut index': Buffer.concat([whole.subarray(0, whole.length - 60), whole.subarray(whole.length - 8)]),
      'no index': Buffer.concat([whole.subarray(0, 5), whole.subarray(whole.length - 8)]),
    }
    for (const [what, bytes] of Object.entries(damaged)) {
      await writeFile(path, bytes)
      await expect(readTsmTimes(path), what).rejects.toMatchObject({
        code: 'source/damaged-tsm',
        where: path,
      })
    }
  })
})
