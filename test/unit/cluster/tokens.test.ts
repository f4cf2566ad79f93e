import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { obtainToken, tokenPath, type KnownToken } from '../../../src/cluster/tokens.ts'
import type { ClusterAdmin, TokenInfo, TokenSpec } from '../../../src/cluster/cluster.ts'
import type { TokenRequest } from '../../../src/manifest/migration.ts'
import { FastClock } from '../../rig/fast-clock.ts'
import { temporaryFolder } from '../../rig/temporary-folder.ts'

let dir: string
let created: TokenSpec[]
let listed: TokenInfo[]
let notes: string[]
let notesAtCreation: number
const tell = (note: string) => void notes.push(note)
const clock = new FastClock()
const { signal } = new AbortController()

beforeEach(async () => {
  dir = await temporaryFolder()
  created = []
  listed = []
  notes = []
})

/** The interface of both admin kinds, which have tests of their own. */
const admin = {
  listTokens: async () => listed,
  async createToken(spec: TokenSpec) {
    notesAtCreation = notes.length
    created.push(spec)
    return { id: `id-${created.length}`, secret: `apiv1_${created.length}` }
  },
} as Partial<ClusterAdmin> as ClusterAdmin

const REQUEST: TokenRequest = {
  description: 'plant migration',
  read: ['plant/autogen'],
  write: ['plant/autogen', 'plant/year'],
  expiresAt: undefined,
  given: undefined,
  keep: undefined,
}

const KNOWN: KnownToken = {
  id: 'old-id',
  createdAt: '2023-12-31T00:00:00Z',
  databases: ['plant/autogen', 'plant/year'],
}

function obtain(
  request: Partial<TokenRequest> = {},
  known?: KnownToken,
  by: ClusterAdmin | undefined = admin,
) {
  const migration = {
    file: 'manifest.yaml',
    spool: { dir, memory: 1, gzipLevel: 6, workers: 1 },
  }
  return obtainToken({
    request: { ...REQUEST, ...request },
    admin: by,
    known,
    migration,
    clock,
    signal,
    tell,
  })
}

const path = () => tokenPath(dir, REQUEST) ?? ''

async function keep(secret: string, mode = 0o600) {
  await mkdir(dirname(path()), { recursive: true })
  await writeFile(path(), secret)
  await chmod(path(), mode)
}

describe('obtainToken', () => {
  it('takes a given token as it is', async () => {
    const given = { kind: 'value', value: 'mine', variable: 'INFLUX_TOKEN' } as const
    expect(await obtain({ given })).toEqual({
      secret: 'mine',
      created: false,
      id: undefined,
      createdAt: undefined,
    })
    expect(created).toEqual([])
  })

  it('creates one and keeps it for its owner only', async () => {
    const token = await obtain()
    expect(token).toMatchObject({ secret: 'apiv1_1', created: true, id: 'id-1' })
    expect(notes).toEqual([])
    expect(token.createdAt).toBe(clock.now())
    expect(created).toEqual([
      { description: REQUEST.description, read: REQUEST.read, write: REQUEST.write, expiresAt: undefined },
    ])
    expect(await readFile(path(), 'utf8')).toBe('apiv1_1\n')
    expect((await stat(path())).mode & 0o777).toBe(0o600)
    expect((await stat(dirname(path()))).mode & 0o777).toBe(0o700)
  })

  it('uses the kept one on a rerun, with the age it has', async () => {
    await obtain()
    const again = await obtain({}, KNOWN)
    expect(again).toMatchObject({ secret: 'apiv1_1', created: false, id: 'old-id' })
    expect(notes).toEqual([])
    expect(again.createdAt).toBe(Date.parse(KNOWN.createdAt))
    expect(created).toHaveLength(1)
  })

  it('uses one that was kept before the state could be saved', async () => {
    await keep('apiv1_kept')
    const { mtimeMs } = await stat(path())
    expect(await obtain()).toMatchObject({ secret: 'apiv1_kept', created: false, createdAt: mtimeMs })
    expect(created).toEqual([])
  })

  it('replaces a lost one, and names it', async () => {
    await obtain()
    await rm(path())
    const token = await obtain({}, KNOWN)
    expect(token).toMatchObject({ secret: 'apiv1_2', created: true })
    expect(notes).toEqual([
      'the token "plant migration" (old-id) is lost; a new one takes its place, revoke the old one',
    ])
    expect(await readFile(path(), 'utf8')).toBe('apiv1_2\n')
  })

  it('replaces one that lacks a database', async () => {
    await keep('apiv1_kept')
    const token = await obtain({ write: ['plant/autogen', 'plant/new'] }, KNOWN)
    expect(token.created).toBe(true)
    expect(notes[0]).toContain('(old-id) lacks plant/new')
    expect(await obtain({ write: ['anything'] }, { ...KNOWN, databases: ['*'] })).toMatchObject({
      created: false,
    })
  })

  it('names tokens of the same description that nobody remembers', async () => {
    listed = [
      { id: 'orphan', description: 'plant migration' },
      { id: 'other', description: 'other' },
    ]
    await obtain()
    expect(notes).toHaveLength(1)
    expect(notes[0]).toContain('(orphan)')
    // Before: a run that is killed right after the creation has named the lost one.
    expect(notesAtCreation).toBe(1)
  })

  it('hands one to a command, on standard input', async () => {
    const file = join(dir, 'vault')
    const script = `process.stdin.pipe(require('fs').createWriteStream(process.argv[1]))`
    const command = [process.execPath, '-e', script, file]
    expect(await obtain({ keep: { kind: 'command', command } })).toMatchObject({ secret: 'apiv1_1' })
    expect(await readFile(file, 'utf8')).toBe('apiv1_1\n')
    await obtain({ keep: { kind: 'command', command } }, KNOWN)
    expect(notes[0]).toContain('(old-id) was handed to a command; a new one takes its place')
  })

  it('names a token that could not be kept', async () => {
    const command = [process.execPath, '-e', 'process.exit(3)']
    const failure = await obtain({ keep: { kind: 'command', command } }).catch((error: unknown) => error)
    expect(failure).toMatchObject({
      code: 'token/not-kept',
      message: expect.stringContaining('exit code 3') as string,
      remedy: expect.stringContaining('id-1') as string,
    })
    expect(String(failure)).not.toContain('apiv1_1')
    const file = { kind: 'file', path: '/sys/none/x' } as const
    const before = created.length
    await expect(obtain({ keep: file })).rejects.toMatchObject({ code: 'token/no-place' })
    expect(created).toHaveLength(before)
  })

  it('notes a file that others can read', async () => {
    await keep('apiv1_kept', 0o644)
    await obtain({}, KNOWN)
    expect(notes[0]).toContain('chmod 600')
  })

  it('needs somebody to ask', async () => {
    await expect(
      obtainToken({
        ...{ request: REQUEST, admin: undefined, known: undefined, clock, signal, tell },
        migration: { file: 'manifest.yaml', spool: { dir, memory: 1, gzipLevel: 6, workers: 1 } },
      }),
    ).rejects.toMatchObject({ code: 'token/none', exit: 2, where: 'manifest.yaml' })
  })
})

it('keeps tokens of like descriptions apart', () => {
  const paths = ['a b', 'a-b', 'A b', '日本', '中国', 'x'.repeat(300)].map((description) =>
    tokenPath('/spool', { ...REQUEST, description }),
  )
  expect(new Set(paths).size).toBe(paths.length)
  for (const one of paths) expect(one).toMatch(/^\/spool\/tokens\/[a-z0-9-]{1,60}\.token$/)
})
