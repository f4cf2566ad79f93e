import { readFile, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import type { DeadLetter } from '../../../src/lines/dead-letter.ts'
import { RewrittenDeadLetters, settleRewritten } from '../../../src/lines/rewritten-dead-letters.ts'
import { temporaryFolder } from '../../rig/temporary-folder.ts'

const letter: DeadLetter = { slice: 's', by: 'cluster', reason: 'r', line: 'm f=1 1', points: 1 }

async function fileOf(text: string): Promise<string> {
  const path = join(await temporaryFolder(), 'm.ndjson')
  await writeFile(path, text)
  return path
}

test('the old file stays until the state names the new one, which then takes its place', async () => {
  const path = await fileOf('old\n')
  const draft = await RewrittenDeadLetters.begin(path)
  await draft.keep(Buffer.from('kept'))
  const mark = await draft.mark()
  draft.add(letter)
  await draft.rewind(mark)
  draft.add({ ...letter, reason: 'another' })
  const hash = await draft.finish()
  expect(await readFile(path, 'utf8')).toBe('old\n')
  await settleRewritten(path, hash)
  await draft.discard()
  expect(await readFile(path, 'utf8')).toBe(`kept\n${JSON.stringify({ ...letter, reason: 'another' })}\n`)
  expect(await readdir(dirname(path))).toEqual(['m.ndjson'])
})

test.each([
  ['of none', undefined],
  ['of another', 'f00'],
])('a draft with the hash %s is removed', async (_, hash) => {
  const path = await fileOf('old\n')
  await writeFile(`${path}.next`, 'half\n')
  await settleRewritten(path, hash)
  expect(await readFile(path, 'utf8')).toBe('old\n')
  expect(await readdir(dirname(path))).toEqual(['m.ndjson'])
  await settleRewritten(path, hash)
})

test('a draft that is given up leaves nothing', async () => {
  const path = await fileOf('old\n')
  const draft = await RewrittenDeadLetters.begin(path)
  draft.add(letter)
  await draft.discard()
  expect(await readdir(dirname(path))).toEqual(['m.ndjson'])
})
