import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDeadLetters } from '../../../src/lines/dead-letter-file.ts'
import type { DeadLetter } from '../../../src/lines/dead-letter.ts'

test('letters are appended, one JSON document a line', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'influx-ferry-'))
  try {
    const path = join(folder, 'new', 'm.ndjson')
    const letter = (line: string): DeadLetter => ({
      slice: 's',
      by: 'influx-ferry',
      reason: 'r',
      line,
      points: 1,
    })
    const first = await openDeadLetters(path)
    first.add(letter('a "b"\nc'))
    await first.flush()
    expect((await readFile(path, 'utf8')).split('\n')).toHaveLength(2)
    await first.close()
    const second = await openDeadLetters(path)
    const long = 'é'.repeat(1000)
    for (let i = 0; i < 1000; i++) second.add(letter(`${i}${long}`))
    expect(second.count).toBe(1000)
    await second.close()
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as DeadLetter).line)).toEqual([
      'a "b"\nc',
      ...Array.from({ length: 1000 }, (_, i) => `${i}${long}`),
    ])
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('a place that cannot be written is named', async () => {
  const sink = openDeadLetters('/dev/full')
  await expect(
    sink.then(async (file) => {
      file.add({ slice: 's', by: 'influx-ferry', reason: 'r', line: 'x', points: 1 })
      await file.flush()
    }),
  ).rejects.toMatchObject({ code: 'dead-letter/unwritable', where: '/dev/full' })
})
