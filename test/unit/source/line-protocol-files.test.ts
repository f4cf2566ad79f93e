import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ALL_TIME } from '../../../src/core/time.ts'
import type { LineProtocolSource } from '../../../src/manifest/migration.ts'
import { ContextScanner } from '../../../src/source/line-protocol-contexts.ts'
import { expandFiles, readLineProtocolFiles } from '../../../src/source/line-protocol-files.ts'
import { readCatalog } from '../../../src/source/read-catalog.ts'
import { temporaryFolder } from '../../rig/temporary-folder.ts'

const { signal } = new AbortController()
const sourceOf = (...files: string[]): LineProtocolSource => ({ kind: 'line-protocol', name: 'old', files })

async function read(source: LineProtocolSource, database = '', retentionPolicy = ''): Promise<string> {
  let text = ''
  for await (const chunk of readLineProtocolFiles(source, { database, retentionPolicy }, signal))
    text += Buffer.from(chunk).toString()
  return text
}

/** Two databases; every string holds what looks like a context line, and names hold what looks like a string. */
const EXPORT = `# INFLUXDB EXPORT: 1677-09-21T00:12:43Z - 2262-04-11T23:47:16Z
# DDL
CREATE DATABASE "Werk Süd" WITH NAME "zwei Jahre"
# DML
# CONTEXT-DATABASE:Werk Süd
# CONTEXT-RETENTION-POLICY:zwei Jahre
# writing tsm data
m,t="quoted s="a
# CONTEXT-DATABASE:trap
b" 1
m\\ x,t=a\\=" s="\\"
# CONTEXT-DATABASE:trap
\\\\" 2
m "f=1,s="#" 3
# CONTEXT-DATABASE:plant
# CONTEXT-RETENTION-POLICY:autogen
# writing wal data
cpu f=1 1
`
const WERK = EXPORT.slice(EXPORT.indexOf('# writing tsm'), EXPORT.indexOf('# CONTEXT-DATABASE:plant'))
const PLANT = EXPORT.slice(EXPORT.indexOf('# writing wal'))

describe('line protocol files', () => {
  it('give each database its part, strings with line ends and context lines in them whole', async () => {
    const path = join(await temporaryFolder(), 'a.lp')
    await writeFile(path, EXPORT)
    expect(await read(sourceOf(path), 'Werk Süd', 'zwei Jahre')).toBe(WERK)
    expect(await read(sourceOf(path), 'plant', 'autogen')).toBe(PLANT)
    expect(await read(sourceOf(path), 'trap')).toBe('')
  })

  it('are split the same wherever the chunks are cut', () => {
    const bytes = Buffer.from(EXPORT)
    for (let size = 1; size < 90; size += 1) {
      const scanner = new ContextScanner()
      const parts = new Map<string, string>()
      const take = (pieces: ReturnType<ContextScanner['push']>) => {
        for (const { context, lines } of pieces)
          parts.set(
            context.database,
            (parts.get(context.database) ?? '') + Buffer.from(lines).toString('latin1'),
          )
      }
      for (let at = 0; at < bytes.length; at += size) take(scanner.push(bytes.subarray(at, at + size)))
      take(scanner.finish())
      expect(parts.get('Werk Süd'), `chunks of ${size}`).toBe(Buffer.from(WERK).toString('latin1'))
      expect(parts.get('plant'), `chunks of ${size}`).toBe(PLANT)
      expect(scanner.pending).toBe(0)
    }
  })

  it('may be gzipped, also in several members, and are told by their bytes', async () => {
    const folder = await temporaryFolder()
    await writeFile(
      join(folder, 'a.lp.gz'),
      Buffer.concat([gzipSync('m f=1 1\nm f='), gzipSync('2 2\n'), Buffer.alloc(512)]),
    )
    await writeFile(join(folder, 'b.txt'), gzipSync('m f=3 3\n'))
    expect(await read(sourceOf(join(folder, '*')))).toBe('m f=1 1\nm f=2 2\nm f=3 3\n')
  })

  it('need no line end at their ends', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, '1.lp'), 'm f=1 1')
    await writeFile(join(folder, '2.lp'), '')
    await writeFile(join(folder, '3.lp'), 'm s="x\n" 2')
    expect(await read(sourceOf(join(folder, '*.lp')))).toBe('m f=1 1\nm s="x\n" 2\n')
  })

  it('fail by name and offset where they are cut or damaged', async () => {
    const folder = await temporaryFolder()
    const text = Array.from({ length: 5000 }, (_, i) => `m,t=a f=${Math.sin(i)} ${i}`).join('\n')
    const whole = gzipSync(text)
    const flipped = Buffer.from(whole)
    flipped[whole.length - 6] = (flipped[whole.length - 6] ?? 0) ^ 1
    const cases: [string, Uint8Array | string, object][] = [
      [
        'cut.lp.gz',
        whole.subarray(0, 20_000),
        { code: 'export/damaged-gzip', where: `${folder}/cut.lp.gz, byte 20000 of 20000` },
      ],
      ['crc.lp.gz', flipped, { code: 'export/damaged-gzip' }],
      ['second.lp.gz', Buffer.concat([whole, whole.subarray(0, 5)]), { code: 'export/damaged-gzip' }],
      [
        'junk.lp.gz',
        Buffer.concat([whole, Buffer.from('\0\0junk')]),
        { code: 'export/damaged-gzip', where: `${folder}/junk.lp.gz, byte ${whole.length + 2}` },
      ],
      ['plain.lp.gz', 'm f=1 1\n', { code: 'export/damaged-gzip', where: `${folder}/plain.lp.gz, byte 0` }],
      [
        'open.lp',
        'm f=1 1\nm s="abc',
        { code: 'export/open-string', where: `${folder}/open.lp, byte 8 (unpacked)` },
      ],
    ]
    for (const [name, bytes, expected] of cases) {
      await writeFile(join(folder, name), bytes)
      await expect(read(sourceOf(join(folder, name))), name).rejects.toMatchObject(expected)
    }
  })

  it('are found by name and pattern: sorted, literal names first, the last entry deciding the order', async () => {
    const folder = await temporaryFolder()
    for (const name of ['b.lp', 'a.lp', 'c[1].lp', 'd.txt']) await writeFile(join(folder, name), 'm f=1 1\n')
    await mkdir(join(folder, 'e.lp'))
    const at = (name: string) => join(folder, name)
    expect(await expandFiles(sourceOf(at('*.lp')))).toEqual([at('a.lp'), at('b.lp'), at('c[1].lp')])
    expect(await expandFiles(sourceOf(at('c[1].lp')))).toEqual([at('c[1].lp')])
    expect(await expandFiles(sourceOf(at('*.lp'), at('d.txt'), at('a.lp')))).toEqual([
      at('b.lp'),
      at('c[1].lp'),
      at('d.txt'),
      at('a.lp'),
    ])
    await expect(expandFiles(sourceOf(at('a.lp'), at('*.gz')))).rejects.toMatchObject({
      code: 'source/not-found',
      message: `no file matches ${at('*.gz')}`,
    })
    await expect(expandFiles(sourceOf(folder))).rejects.toMatchObject({
      code: 'source/not-a-file',
      remedy: `Name its files: ${folder}/*.lp.gz`,
    })
  })

  it('stop when the run is interrupted', async () => {
    const path = join(await temporaryFolder(), 'a.lp')
    await writeFile(path, 'm f=1 1\n'.repeat(200_000))
    const controller = new AbortController()
    const reason = new Error('interrupted')
    const reading = async () => {
      for await (const _ of readLineProtocolFiles(
        sourceOf(path),
        { database: '', retentionPolicy: '' },
        controller.signal,
      ))
        controller.abort(reason)
    }
    await expect(reading()).rejects.toBe(reason)
  })
})

describe('the catalog of line protocol files', () => {
  it('has the databases that context lines name, each with the files that hold lines of it', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, '1.lp'), EXPORT)
    await writeFile(
      join(folder, '2.lp'),
      'm f=1 1\n# CONTEXT-DATABASE: plant\n# CONTEXT-RETENTION-POLICY: autogen\ncpu f=2 2\n# CONTEXT-DATABASE: empty\n',
    )
    const catalog = await readCatalog(sourceOf(join(folder, '*.lp')), signal)
    expect(catalog.origin).toBe('line-protocol')
    const found = catalog.databases.flatMap(({ name, retentionPolicies }) =>
      retentionPolicies.map((policy) => [
        name,
        policy.name,
        policy.shardGroups[0]?.shards[0]?.tsmFiles.map(({ path }) => path.slice(folder.length + 1)),
      ]),
    )
    expect(found).toEqual([
      ['Werk Süd', 'zwei Jahre', ['1.lp']],
      ['plant', 'autogen', ['1.lp', '2.lp']],
      ['', '', ['2.lp']],
    ])
    expect(catalog.databases[0]?.retentionPolicies[0]?.shardGroups[0]).toMatchObject(ALL_TIME)
  })

  it('of files without a line is a failure', async () => {
    const path = join(await temporaryFolder(), 'a.lp')
    await writeFile(path, '# DDL\nCREATE DATABASE x WITH NAME y\n# DML\n# CONTEXT-DATABASE:x\n\n')
    await expect(readCatalog(sourceOf(path), signal)).rejects.toMatchObject({ code: 'source/empty' })
  })
})
