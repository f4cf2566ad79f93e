import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Failure } from '../../../src/core/failure.ts'
import { openSpool } from '../../../src/lines/spool-file.ts'
import { spoolSlice } from '../../../src/lines/spool-slice.ts'
import type { SpoolIndex } from '../../../src/lines/spool.ts'
import { chunked, spoolDefaults } from '../../rig/spooling.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'influx-ferry-'))
  path = join(folder, 's.gz')
  await spoolSlice(chunked(Buffer.from('m v=1 1\nm v=2 2\nm v=3 3\n'), []), {
    ...spoolDefaults,
    batch: { lines: 1, bytes: 1000 },
    path,
    workDir: join(folder, 'runs'),
    deadLetters: { add: () => undefined, flush: async () => undefined },
    signal: new AbortController().signal,
    onProgress: () => undefined,
  })
})
afterEach(() => rm(folder, { recursive: true }))

/** The code it fails with, `none` when it does not; each failure says what to do. */
const codeOf = async (action: Promise<unknown>): Promise<string> => {
  try {
    await action
    return 'none'
  } catch (error) {
    expect((error as Failure).remedy).toMatch(/[Rr]un again, with all phases: the slice is exported anew/)
    return (error as Failure).code
  }
}

test('members are read in any order, each on its own', async () => {
  const spool = await openSpool(path)
  for (const i of [2, 0, 1])
    expect(gunzipSync(await spool.read(i)).toString()).toBe(`m v=${i + 1} ${i + 1}\n`)
  await expect(spool.read(3)).rejects.toThrow(RangeError)
  expect(spool.index).toMatchObject({ slice: 'm/0_1', counts: { rows: 3, batches: 3 } })
  await spool.close()
})

describe('damage is noticed', () => {
  const indexPath = () => `${path}.index.json`

  test('no index', async () => {
    await rm(indexPath())
    expect(await codeOf(openSpool(path))).toBe('spool/unfinished')
    await rm(path)
    expect(await codeOf(openSpool(path))).toBe('spool/unfinished')
  })

  test('no spool', async () => {
    await rm(path)
    expect(await codeOf(openSpool(path))).toBe('spool/damaged')
  })

  test('a spool that is cut or longer', async () => {
    const bytes = await readFile(path)
    await truncate(path, bytes.length - 1)
    expect(await codeOf(openSpool(path))).toBe('spool/damaged')
    await writeFile(path, Buffer.concat([bytes, Buffer.from([0])]))
    expect(await codeOf(openSpool(path))).toBe('spool/damaged')
  })

  test('a flipped bit anywhere in the spool fails its batch and no other', async () => {
    const bytes = await readFile(path)
    const { batches } = (await openSpool(path)).index
    for (let at = 0; at < bytes.length; at += 7) {
      const flipped = Buffer.from(bytes)
      flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at)
      await writeFile(path, flipped)
      const spool = await openSpool(path)
      for (const [i, { offset, bytes: length }] of batches.entries()) {
        const hit = at >= offset && at < offset + length
        expect(await codeOf(spool.read(i))).toBe(hit ? 'spool/damaged' : 'none')
      }
      await spool.close()
    }
  })

  test('an index that is cut, or edited but still JSON', async () => {
    const text = await readFile(indexPath(), 'utf8')
    await writeFile(indexPath(), text.slice(0, -10))
    expect(await codeOf(openSpool(path))).toBe('spool/damaged')
    const index = JSON.parse(text) as SpoolIndex
    index.counts.points += 1
    await writeFile(indexPath(), JSON.stringify(index))
    expect(await codeOf(openSpool(path))).toBe('spool/damaged')
    await writeFile(indexPath(), 'null')
    expect(await codeOf(openSpool(path))).toBe('spool/damaged')
    await writeFile(indexPath(), JSON.stringify(JSON.parse(text)))
    expect(await codeOf(openSpool(path))).toBe('none')
  })
})
