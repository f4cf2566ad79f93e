import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Failure } from '../../../src/core/failure.ts'
import { loadManifest } from '../../../src/manifest/load.ts'
import { loadText } from '../../rig/manifest-text.ts'

describe('a file that cannot be a manifest', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'influx-ferry-read-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  async function failureOf(file: string): Promise<Failure> {
    const thrown: unknown = await loadManifest(file, { env: {} }).catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(Failure)
    return thrown as Failure
  }

  it('says that there is none', async () => {
    const file = join(folder, 'absent.yaml')
    expect(await failureOf(file)).toMatchObject({ code: 'manifest/not-found', where: file, exit: 2 })
    expect((await failureOf(join(file, 'below'))).code).toBe('manifest/not-found')
  })

  it('says that it is a folder', async () => {
    expect(await failureOf(folder)).toMatchObject({ code: 'manifest/is-a-folder', where: folder, exit: 2 })
  })

  it('says that it is not text', async () => {
    const file = join(folder, 'latin1.yaml')
    await writeFile(file, Buffer.from([0x6e, 0x61, 0x6d, 0x65, 0x3a, 0x20, 0xe9]))
    expect(await failureOf(file)).toMatchObject({ code: 'manifest/not-text', exit: 2 })
  })

  it('says that it cannot be read', async () => {
    const file = join(folder, 'loop.yaml')
    await symlink(file, file)
    expect(await failureOf(file)).toMatchObject({ code: 'manifest/unreadable', exit: 2 })
  })
})

describe('a text that is not YAML, or not a manifest', () => {
  it.each([
    ['', '1:1+1 error manifest/empty: the manifest is empty'],
    ['# only a comment\n', '1:1+1 error manifest/empty: the manifest is empty'],
    [
      'just words\n',
      '1:1+1 error manifest/not-a-manifest: a manifest is made of keys and values, this is not',
    ],
    ['- a\n- b\n', '1:1+1 error manifest/not-a-manifest: a manifest is made of keys and values, this is not'],
    ['\0\x01', '1:1+1 error manifest/not-a-manifest'],
    ['name: a\nname: b\n', '2:1+4 error manifest/duplicate-key: this key is there twice'],
    ['sources:\n\t- x\n', '2:1+1 error manifest/tab: a tab cannot indent'],
    ['name: a\n---\nname: b\n', '2:1+3 error manifest/syntax: a manifest is one document'],
    [
      'name: *\n',
      '1:7+1 error manifest/syntax: a plain * means something else in YAML | write "*" in quotes',
    ],
    [
      'name: *_x\n',
      '1:7+3 error manifest/syntax: there is no anchor &_x | for a pattern, write "*_x" in quotes',
    ],
    ['name: a: b\n', '1:7+1 error manifest/syntax: a second "key:" on one line'],
    ['name: @x\n', '1:7+1 error manifest/syntax: a value cannot start like this'],
    ['name: [a, b\n', 'error manifest/syntax: not YAML: flow sequence in block collection must be'],
    [
      'target: {database}/{retentionPolicy}\n',
      '1:19+18 error manifest/syntax: a value that starts with { must be in quotes',
    ],
  ])('%j', async (text, expected) => {
    const { lines, migration } = await loadText(text)
    expect(migration).toBeUndefined()
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain(expected)
  })

  it('shows all syntax errors at once, past variables that braces break', async () => {
    const { lines } = await loadText('a: { token: ${T} , c: 1}\nq: [${A}/data]\n\tt: 1\nz: *\nk: 1\nk: 2\n')
    expect(lines).toEqual([
      '1:13+4 error manifest/syntax: ${T} must be in quotes here | between { } or [ ] braces belong to YAML; write "${T}"',
      '2:5+9 error manifest/syntax: ${A}/data must be in quotes here | between { } or [ ] braces belong to YAML; write "${A}/data"',
      '3:1+1 error manifest/tab: a tab cannot indent | indent with spaces',
      '4:4+1 error manifest/syntax: a plain * means something else in YAML | write "*" in quotes',
      '6:1+1 error manifest/duplicate-key: this key is there twice | keep one of them',
    ])
  })

  it('reads Windows line ends and a byte order mark', async () => {
    const { lines } = await loadText('\ufeffapiVersion: influx-ferry/v1\r\nname: 5\r\n')
    expect(lines).toContain(
      '2:7+1 error manifest/wrong-type: "name" must be text, not 5 | write "5" in quotes. Example: plant',
    )
  })
})
