import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readCatalog } from '../../../src/source/read-catalog.ts'
import { temporaryFolder } from '../../rig/temporary-folder.ts'

const { signal } = new AbortController()

test('what large files hold is read once, and again when they change', async () => {
  const folder = await temporaryFolder()
  const file = join(folder, 'a.lp')
  const cache = join(folder, 'work', 'catalog.json')
  const source = { kind: 'line-protocol' as const, name: 's', files: [file] }
  const names = async () => (await readCatalog(source, signal, cache)).databases.map(({ name }) => name)
  await writeFile(file, '# CONTEXT-DATABASE:one\n# CONTEXT-RETENTION-POLICY:rp\nm v=1 1\n')
  expect(await names()).toEqual(['one'])
  // What is in the cache is what is told: the file was not read again.
  await writeFile(cache, (await readFile(cache, 'utf8')).replace('"one"', '"kept"'))
  expect(await names()).toEqual(['kept'])
  await appendFile(file, '# CONTEXT-DATABASE:two\n# CONTEXT-RETENTION-POLICY:rp\nm v=1 1\n')
  expect(await names()).toEqual(['one', 'two'])
  await writeFile(cache, 'damaged')
  expect(await names()).toEqual(['one', 'two'])
})
