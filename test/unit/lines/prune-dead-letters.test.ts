import { readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pruneDeadLetters } from '../../../src/lines/prune-dead-letters.ts'
import { temporaryFolder } from '../../rig/temporary-folder.ts'

const letter = (slice: string, batch?: number) =>
  JSON.stringify({ slice, batch, by: 'cluster', reason: 'r', line: 'a\nb', points: 1 })

test('letters that do not count and a torn last line are taken out', async () => {
  const path = join(await temporaryFolder(), 'letters.ndjson')
  await writeFile(path, `${letter('a', 1)}\n${letter('a', 2)}\n${letter('b')}\n{"slice":"a","ba`)
  await pruneDeadLetters(path, ({ slice, batch }) => slice === 'a' && batch === 2)
  expect(await readFile(path, 'utf8')).toBe(`${letter('a', 2)}\n`)
  expect(await readdir(join(path, '..'))).toEqual(['letters.ndjson'])
})

test('a file with nothing to take out is left as it is, a missing one is fine', async () => {
  const folder = await temporaryFolder()
  const path = join(folder, 'letters.ndjson')
  await writeFile(path, `${letter('a', 1)}\n`)
  const before = await stat(path, { bigint: true })
  await pruneDeadLetters(path, () => true)
  expect((await stat(path, { bigint: true })).ino).toBe(before.ino)
  await pruneDeadLetters(join(folder, 'none', 'letters.ndjson'), () => true)
  await pruneDeadLetters(join(folder, 'none.ndjson'), () => true)
  expect(await readdir(folder)).toEqual(['letters.ndjson'])
})
