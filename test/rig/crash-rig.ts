/** Migrations of the crash tests: each with a sandbox of its own, and everything looked at when it is done. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { readState } from '../../src/state/state-file.ts'
import type { Totals } from '../../src/state/totals.ts'
import type { State } from '../../src/state/state.generated.ts'
import { ferry, FERRY, type Finished } from './ferry.ts'
import { FerryProcess, processesLeft } from './ferry-process.ts'
import type { CrashSource } from './crash-source.ts'
import { openSandbox, type OpenSandbox } from './open-sandbox.ts'
import { readBack } from './read-back.ts'

export type AdminKind = 'api' | 'influxctl'
export type Transfer = 'staged' | 'direct'

const INFLUXCTL = [process.execPath, FERRY, 'sandbox', 'influxctl']
const ADMINS: Record<AdminKind, string> = {
  api: `{ kind: api, token: '\${MANAGEMENT_TOKEN}' }`,
  influxctl: `{ kind: influxctl, command: ${JSON.stringify(INFLUXCTL)}, token: '\${MANAGEMENT_TOKEN}' }`,
}

export interface Where {
  url: string
  managementToken: string
}

/** A manifest over the source, in a folder with a temporary folder of its own. */
export class CrashMigration {
  readonly folder: string
  readonly work: string
  readonly temporary: string
  readonly manifest: string
  readonly statePath: string
  readonly runs: FerryProcess[] = []
  readonly #env: NodeJS.ProcessEnv

  private constructor(folder: string, where: Where) {
    this.folder = folder
    this.work = join(folder, 'work')
    this.temporary = join(folder, 'tmp')
    this.manifest = join(folder, 'manifest.yaml')
    this.statePath = join(folder, 'manifest.state.json')
    this.#env = { TMPDIR: this.temporary, SANDBOX_URL: where.url, MANAGEMENT_TOKEN: where.managementToken }
  }

  static async create(
    source: CrashSource,
    where: Where,
    admin: AdminKind,
    write = '',
    transfer: Transfer = 'staged',
  ): Promise<CrashMigration> {
    const migration = new CrashMigration(await mkdtemp(join(tmpdir(), 'influx-ferry-crash-')), where)
    await mkdir(migration.temporary)
    await writeFile(
      migration.manifest,
      `apiVersion: influx-ferry/v1\nname: crash\n${source.manifest}\ntarget:\n  url: \${SANDBOX_URL}\n  admin: ${ADMINS[admin]}\n` +
        `  write: { concurrency: 3, batch: { lines: 100 }${write} }\ntransfer: ${transfer}\nspool: { dir: work, memory: 16MB }\nverify: { level: none }\n`,
    )
    return migration
  }

  start(...flags: string[]): FerryProcess {
    const args = ['run', this.manifest, '--json', ...flags]
    const run = new FerryProcess(args, { cwd: this.folder, env: this.#env })
    this.runs.push(run)
    return run
  }

  state(): Promise<State | undefined> {
    return readState(this.statePath)
  }

  async status(): Promise<State & { totals: Totals }> {
    const { stdout }: Finished = await ferry(['status', this.manifest, '--json'], { cwd: this.folder })
    return JSON.parse(stdout) as State & { totals: Totals }
  }

  /** Dead letters as text, sorted: each file's lines are JSON documents. */
  async letters(): Promise<string[]> {
    const folder = join(this.work, 'dead-letter')
    const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.ndjson'))
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
    return texts
      .join('')
      .split('\n')
      .filter((line) => line !== '')
      .sort()
  }

  /** Files that a finished migration has no use for, and processes that still work on it. */
  async leftovers(): Promise<string[]> {
    const entries = await readdir(this.folder, { recursive: true, withFileTypes: true })
    const files = entries
      .filter((entry) => !entry.isDirectory())
      .map(({ parentPath, name }) => join(parentPath, name).slice(this.folder.length + 1))
    const wanted =
      /^(manifest\.yaml|manifest\.state\.json|work\/catalog\/[^/]+\.json|work\/(dead-letter|figures)\/.+\.ndjson|work\/survey\/.+\.json|work\/tokens\/[^/]+\.token)$/
    return [...files.filter((file) => !wanted.test(file)), ...(await processesLeft(this.folder))]
  }

  /** Ids of tokens that are in the cluster and that no run named as lost or replaced. */
  async unnamedTokens(sandbox: OpenSandbox): Promise<string[]> {
    const { body } = await sandbox.admin('GET', '/tokens')
    const notes = this.runs.flatMap(({ events }) =>
      events.flatMap((event) => (event.type === 'note' ? [event.message] : [])),
    )
    return (JSON.parse(body) as { id: string; description: string }[])
      .filter(({ description }) => description === 'influx-ferry crash')
      .map(({ id }) => id)
      .filter((id) => !notes.some((note) => note.includes(id)))
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true })
  }
}

/** Everything a cluster answers, by database. */
export async function contentsOf(where: { url: string; token: string }, databases: readonly string[]) {
  const contents = new Map<string, string[]>()
  for (const database of databases) contents.set(database, await readBack(where, { database }))
  return contents
}

/** Like `toEqual`, but quick to say what differs in tens of thousands of points. */
export function expectSameContents(found: Map<string, string[]>, expected: Map<string, string[]>): void {
  expect([...found.keys()]).toEqual([...expected.keys()])
  for (const [database, points] of expected) {
    const there = found.get(database) ?? []
    const [had, wanted] = [new Set(there), new Set(points)]
    expect(points.filter((point) => !had.has(point)).slice(0, 5), `missing in ${database}`).toEqual([])
    expect(there.filter((point) => !wanted.has(point)).slice(0, 5), `too much in ${database}`).toEqual([])
    expect(there.length, database).toBe(points.length)
  }
}

export const openSlowSandbox = () => openSandbox({ faults: ['delay:40ms@1..'] })
