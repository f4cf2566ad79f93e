import { readFile, readdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readState, StateFile } from '../../../src/state/state-file.ts'
import { initialState } from '../../../src/state/state.ts'
import { temporaryFolder } from '../../rig/temporary-folder.ts'

async function savedState(): Promise<string> {
  const path = join(await temporaryFolder(), 'plant.state.json')
  const file = new StateFile(path, initialState('plant', 'hash'))
  file.apply({ type: 'database-ready', database: 'plant', origin: 'created', retention: 'loading' })
  await file.save()
  return path
}

test('what was saved is read back', async () => {
  const path = await savedState()
  expect(await readState(path)).toMatchObject({ name: 'plant', databases: { plant: { origin: 'created' } } })
  expect(await readdir(join(path, '..'))).toEqual(['plant.state.json'])
})

test('no file is no state', async () => {
  expect(await readState(join(await temporaryFolder(), 'none.json'))).toBeUndefined()
})

test('events between two saves reach the disk by themselves', async () => {
  const path = await savedState()
  const file = new StateFile(path, initialState('plant', 'hash'))
  file.apply({ type: 'database-ready', database: 'late', origin: 'created', retention: 'final' })
  await expect.poll(async () => (await readState(path))?.databases['late'], { timeout: 5000 }).toBeDefined()
})

test('a cut file is refused with its place and what to do', async () => {
  const path = await savedState()
  await truncate(path, 100)
  await expect(readState(path)).rejects.toMatchObject({
    code: 'state/damaged',
    where: path,
    remedy: expect.stringContaining('move it away') as string,
  })
})

test('a file that is no state file is not quoted: it may hold anything', async () => {
  const path = await savedState()
  await writeFile(path, 'apim_a-secret')
  await expect(readState(path)).rejects.toMatchObject({
    code: 'state/damaged',
    message: expect.not.stringContaining('apim') as string,
  })
})

test('an edited file is refused; without its checksum it is taken', async () => {
  const path = await savedState()
  const edited = (await readFile(path, 'utf8')).replace('loading', 'final')
  await writeFile(path, edited)
  await expect(readState(path)).rejects.toMatchObject({
    code: 'state/edited',
    remedy: expect.stringContaining('checksum') as string,
  })
  await writeFile(path, edited.replace(/,?\s*"checksum": "[0-9a-f]+"/, ''))
  expect((await readState(path))?.databases['plant']?.retention).toBe('final')
})

test('a state of a later format is not guessed at', async () => {
  const path = await savedState()
  await writeFile(path, (await readFile(path, 'utf8')).replace('"format": 1', '"format": 2'))
  await expect(readState(path)).rejects.toMatchObject({ code: 'state/version' })
})

test.each(['[]', '{}', 'null', '"x"'])('%s is not a state', async (text) => {
  const path = await savedState()
  await writeFile(path, text)
  await expect(readState(path)).rejects.toMatchObject({ code: 'state/damaged' })
})
