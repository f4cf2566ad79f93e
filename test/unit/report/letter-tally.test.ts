import { appendFile, mkdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { DeadLetter } from '../../../src/lines/dead-letter.ts'
import { LetterTally } from '../../../src/report/letter-tally.ts'
import { temporaryFolder } from '../../rig/temporary-folder.ts'

const letter = (reason: string, more: Partial<DeadLetter> = {}): string =>
  `${JSON.stringify({ slice: 'a/0_1', by: 'cluster', reason, line: `m v="${reason}" 1`, points: 2, ...more })}\n`

describe('LetterTally', () => {
  it('counts by reason and who refused, with the first examples, over all files', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'plant'))
    await writeFile(join(folder, 'plant/a.ndjson'), letter('type').repeat(5) + letter('long'))
    await writeFile(join(folder, 'b.ndjson'), letter('type', { by: 'influx-ferry', points: 1 }))
    const { reasons, letters, points } = await new LetterTally(folder).read()
    expect({ letters, points }).toEqual({ letters: 7, points: 13 })
    expect(
      reasons.map(({ reason, by, letters, points, examples }) => [
        reason,
        by,
        letters,
        points,
        examples.length,
      ]),
    ).toEqual([
      ['type', 'cluster', 5, 10, 3],
      ['type', 'influx-ferry', 1, 1, 1],
      ['long', 'cluster', 1, 2, 1],
    ])
  })

  it('reads on from where it was, leaves a line that is not whole yet, and begins anew when letters were taken out', async () => {
    const folder = await temporaryFolder()
    const file = join(folder, 'a.ndjson')
    await writeFile(file, letter('type') + letter('type').slice(0, 20))
    const tally = new LetterTally(folder)
    expect((await tally.read()).letters).toBe(1)
    await appendFile(file, letter('type').slice(20) + letter('long'))
    expect((await tally.read()).letters).toBe(3)
    expect((await tally.read()).letters).toBe(3)
    await truncate(file, Buffer.byteLength(letter('type')))
    expect((await tally.read()).reasons).toMatchObject([{ reason: 'type', letters: 1 }])
  })

  it('keeps a bounded number of reasons, and counts all of them', async () => {
    const folder = await temporaryFolder()
    const all = Array.from({ length: 1000 }, (_, n) => letter(`value ${n} is too long`))
    await writeFile(join(folder, 'a.ndjson'), letter('x'.repeat(5000)).repeat(2) + all.join(''))
    const { reasons, letters } = await new LetterTally(folder).read()
    expect(letters).toBe(1002)
    expect(reasons).toHaveLength(51)
    expect(reasons.reduce((sum, { letters }) => sum + letters, 0)).toBe(1002)
    expect(reasons.at(-1)?.reason).toBe('other reasons')
    expect(Math.max(...reasons.map(({ reason }) => reason.length))).toBeLessThanOrEqual(400)
  })

  it('shows a line that is not UTF-8, and knows a folder that is not there for an empty one', async () => {
    const folder = await temporaryFolder()
    const line = Buffer.from([0x6d, 0xff, 0x20]).toString('base64')
    await writeFile(join(folder, 'a.ndjson'), letter('utf8', { line, encoding: 'base64' }))
    const { reasons } = await new LetterTally(folder).read()
    expect(reasons[0]?.examples).toEqual([{ slice: 'a/0_1', line: 'm� ' }])
    expect(await new LetterTally(join(folder, 'none')).read()).toMatchObject({ letters: 0, reasons: [] })
  })
})
