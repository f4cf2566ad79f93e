import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { DeadLetter } from '../../../src/lines/dead-letter.ts'
import { openDeadLetters } from '../../../src/lines/dead-letter-file.ts'
import { DeadLetterSums } from '../../../src/lines/letter-sums.ts'
import { pruneDeadLetters } from '../../../src/lines/prune-dead-letters.ts'
import { readDeadLetters } from '../../../src/lines/read-dead-letters.ts'
import { temporaryFolder } from '../../rig/temporary-folder.ts'

const letter = (slice: string, more: Partial<DeadLetter> = {}): DeadLetter => ({
  ...{ slice, by: 'cluster', reason: 'r', line: 'm f=1 1', points: 1 },
  ...more,
})

async function read(path: string, start?: number, end?: number) {
  const found = []
  for await (const one of readDeadLetters(path, start, end)) found.push(one)
  return found
}

test('lines end with a newline and nothing else, wherever the chunks of the file end', async () => {
  const path = join(await temporaryFolder(), 'm.ndjson')
  const letters = Array.from({ length: 500 }, (_, i) =>
    letter(`s${i}`, { line: `é\u2028\u2029\u0085\r${'x'.repeat(i * 7)}` }),
  )
  const file = await openDeadLetters(path)
  for (const one of letters) file.add(one)
  await file.close()
  const found = await read(path)
  expect(found.map((one) => one.letter)).toEqual(letters)
  // From one letter to another, as they are looked up again.
  const [start, end] = [found[99]?.next ?? 0, found[199]?.next ?? 0]
  expect((await read(path, start, end - 1)).map((one) => one.letter)).toEqual(letters.slice(100, 200))
})

test('letters with line separators of Unicode survive the beginning of a run', async () => {
  const path = join(await temporaryFolder(), 'm.ndjson')
  const text = `${JSON.stringify(letter('a', { line: 'm s="\u2028" 1' }))}\n${JSON.stringify(letter('b'))}\n`
  await writeFile(path, text)
  await pruneDeadLetters(path, ({ slice }) => slice === 'a')
  expect((await read(path)).map((one) => one.letter?.line)).toEqual(['m s="\u2028" 1'])
})

test('what was edited stays, a last line without an end gets one, and a torn one goes', async () => {
  const path = join(await temporaryFolder(), 'm.ndjson')
  const whole = JSON.stringify(letter('a'))
  await writeFile(path, `{"slice":"a", edited\n${whole}\n${whole}`)
  await pruneDeadLetters(path, () => true)
  expect(await readFile(path, 'utf8')).toBe(`{"slice":"a", edited\n${whole}\n${whole}\n`)
  await writeFile(path, `${whole}\n${whole.slice(0, -4)}`)
  await pruneDeadLetters(path, () => true)
  expect(await readFile(path, 'utf8')).toBe(`${whole}\n`)
})

test('sums follow a file that grows, by slice and by who refused', async () => {
  const path = join(await temporaryFolder(), 'm.ndjson')
  const sums = new DeadLetterSums(path)
  expect(await sums.of('a')).toEqual({ lines: 0, points: 0, ownPoints: 0, skipped: 0 })
  const file = await openDeadLetters(path)
  file.add(letter('a', { points: 3 }))
  file.add(letter('b', { by: 'influx-ferry', points: 2 }))
  await file.flush()
  expect(await Promise.all([sums.of('a'), sums.of('b'), sums.of('a')])).toEqual([
    { lines: 1, points: 3, ownPoints: 0, skipped: 0 },
    { lines: 0, points: 0, ownPoints: 2, skipped: 0 },
    { lines: 1, points: 3, ownPoints: 0, skipped: 0 },
  ])
  file.add(letter('b', { by: 'influx-ferry', where: 'block 7', line: '', points: 0 }))
  file.add(letter('b', { by: 'influx-ferry', where: 'block 7', line: '', points: 5 }))
  await file.close()
  expect(await sums.of('b')).toEqual({ lines: 0, points: 0, ownPoints: 7, skipped: 1 })
})
