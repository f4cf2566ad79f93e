/** One seeded history: a run that is hurt again and again, and then left in peace until it is done. */
import { copyFile, mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { seededRandom } from '../../src/sandbox/faults.ts'
import { readState } from '../../src/state/state-file.ts'
import { totalsOf, type Totals } from '../../src/state/totals.ts'
import type { State } from '../../src/state/state.generated.ts'
import { contentsOf } from './crash-rig.ts'
import { openCluster, openKillableCluster, type FaultCluster, type KillableCluster } from './fault-cluster.ts'
import { TARGETS } from './fault-source.ts'
import { FerryProcess, type Ended } from './ferry-process.ts'

export const KINDS = [
  'kill -9',
  'SIGTERM',
  'HTTP faults',
  'cluster killed',
  'disk full',
  'spool damaged',
  'state damaged',
  'clock jumps',
  'slow reads',
] as const
export type Kind = (typeof KINDS)[number]

const HTTP_FAULTS = [
  '429%20',
  '503%15',
  '500%15',
  '500-after-write%15',
  '413%10',
  'reset%15',
  'reset-after-write%10',
  'cut%10',
  'delay:80ms%20',
  'token-delay:600ms',
  'partial-writes-off',
]
const HURT = pathToFileURL(join(import.meta.dirname, 'hurt.mjs')).href

export class FaultHistory {
  readonly seed: number
  readonly folder: string
  /** What is done to it, in this order. */
  readonly kinds: readonly Kind[]
  readonly story: string[] = []
  readonly #cluster: FaultCluster & Partial<KillableCluster>
  readonly #random: () => number
  readonly #statePath: string

  private constructor(
    seed: number,
    folder: string,
    kinds: readonly Kind[],
    cluster: FaultCluster,
    random: () => number,
  ) {
    this.seed = seed
    this.folder = folder
    this.kinds = kinds
    this.#cluster = cluster
    this.#random = random
    this.#statePath = join(folder, 'manifest.state.json')
  }

  /** @param source YAML of `sources` and `mappings` */
  static async begin(seed: number, source: string): Promise<FaultHistory> {
    const random = seededRandom(seed)
    const pick = <T>(all: readonly T[]) => all[Math.floor(random() * all.length)] as T
    const folder = await mkdtemp(join(tmpdir(), 'influx-ferry-history-'))
    const kinds = Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick(KINDS))
    const cluster = await (kinds.includes('cluster killed') ? openKillableCluster() : openCluster())
    const write = `{ api: ${pick(['v1', 'v2'])}, concurrency: ${pick([1, 2, 4])}, batch: { lines: ${pick([40, 100, 300])} }, maxRetries: ${pick([1, 3, 10])} }`
    await writeFile(
      join(folder, 'manifest.yaml'),
      `apiVersion: influx-ferry/v1\nname: faults\n${source}\ntarget:\n  url: ${cluster.url}\n  admin: { kind: api, token: '\${MANAGEMENT_TOKEN}' }\n` +
        `  write: ${write}\ntransfer: ${pick(['staged', 'direct'])}\nverify: { level: full }\nspool: { dir: work, memory: 16MB, workers: ${pick([1, 1, 1, 2])} }\n`,
    )
    return new FaultHistory(seed, folder, kinds, cluster, random)
  }

  async hurt(): Promise<void> {
    for (const kind of this.kinds) this.story.push(`${kind}: ${await this.#hurtBy(kind)}`)
  }

  /** Runs in peace until nothing is left to do. */
  async finish(): Promise<{ ended: Ended; state: State & { totals: Totals } }> {
    const ended = await this.#start().ended
    const state = await readState(this.#statePath)
    if (state === undefined) throw new Error('there is no state')
    const slices = Object.keys(state.slices).map((id) => ({ id }))
    return { ended, state: { ...state, totals: totalsOf(slices, state) } }
  }

  /** What the cluster answers, by database. */
  async contents(): Promise<Map<string, string[]>> {
    const tokens = join(this.folder, 'work/tokens')
    const [name = ''] = await readdir(tokens)
    const token = (await readFile(join(tokens, name), 'utf8')).trim()
    return contentsOf({ url: this.#cluster.url, token }, TARGETS)
  }

  async remove(): Promise<void> {
    await this.#cluster.remove()
    await rm(this.folder, { recursive: true, force: true })
  }

  #pick<T>(all: readonly T[]): T {
    return all[Math.floor(this.#random() * all.length)] as T
  }

  #start(options: { env?: NodeJS.ProcessEnv; before?: string } = {}): FerryProcess {
    const { env = {}, before } = options
    return new FerryProcess(['run', 'manifest.yaml', '--json'], {
      cwd: this.folder,
      env: { MANAGEMENT_TOKEN: this.#cluster.managementToken, ...env },
      before,
    })
  }

  async #hurtBy(kind: Kind): Promise<string> {
    switch (kind) {
      case 'kill -9':
        return this.#signalled('SIGKILL')
      case 'SIGTERM':
        return this.#signalled('SIGTERM')
      case 'HTTP faults': {
        const faults = HTTP_FAULTS.filter(() => this.#random() < 0.4)
        this.#cluster.setFaults([...faults, `seed:${Math.floor(this.#random() * 1e6)}`])
        const ended = outcomeOf(await this.#start().ended)
        this.#cluster.setFaults([])
        return `${faults.join(' ')}: ${ended}`
      }
      case 'cluster killed': {
        const run = this.#start()
        await this.#moment(run)
        await this.#cluster.kill?.()
        await run.runFor(this.#random() * 300)
        await this.#cluster.start?.()
        return outcomeOf(await run.ended)
      }
      case 'disk full':
        return outcomeOf(
          await this.#start({ before: `ulimit -f ${2 + Math.floor(this.#random() * 30)}` }).ended,
        )
      case 'spool damaged':
        return this.#damaged(
          join(this.folder, 'work/spool'),
          (name) => name.endsWith('.lp.gz') || name.endsWith('.json'),
        )
      case 'state damaged':
        return this.#damagedState()
      case 'clock jumps': {
        const hours = this.#pick([-48, -1, 1, 48])
        const env = {
          HURT_CLOCK_AFTER: String(300 + this.#random() * 900),
          HURT_CLOCK_BY: String(hours * 3_600_000),
        }
        return `${hours} h: ${outcomeOf(await this.#start({ env: { ...env, ...preloaded() } }).ended)}`
      }
      case 'slow reads': {
        const run = this.#start({ env: { HURT_READS: '20', ...preloaded() } })
        await this.#moment(run)
        return outcomeOf(this.#random() < 0.5 ? await run.end('SIGKILL') : await run.ended)
      }
    }
  }

  async #signalled(signal: 'SIGKILL' | 'SIGTERM'): Promise<string> {
    const run = this.#start()
    await this.#moment(run)
    return `in ${run.phase ?? 'the beginning'}: ${outcomeOf(await run.end(signal))}`
  }

  /** A random moment of a random phase. */
  async #moment(run: FerryProcess): Promise<void> {
    const phase = this.#pick(['validate', 'export', 'write', 'write', 'verify'])
    await run.sees((event) => 'phase' in event && event.phase === phase)
    await run.runFor(this.#random() * 250)
  }

  /** A run is killed, then a file below the folder is cut or changed. */
  async #damaged(folder: string, wanted: (name: string) => boolean): Promise<string> {
    const killed = await this.#signalled('SIGKILL')
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
    const files = entries.filter((entry) => entry.isFile() && wanted(entry.name))
    if (files.length === 0) return `${killed}, nothing there to damage`
    const { parentPath, name } = this.#pick(files)
    await this.#damage(join(parentPath, name))
    return `${killed}, damaged; ${outcomeOf(await this.#start().ended)}`
  }

  /** The next run refuses a damaged state by name; then it gets its copy back, or starts over without one. */
  async #damagedState(): Promise<string> {
    const killed = await this.#signalled('SIGKILL')
    const copy = join(this.folder, 'copy')
    const there = await copyFile(this.#statePath, copy).then(
      () => true,
      () => false,
    )
    if (!there) return `${killed}, no state yet`
    const contents = async (path: string) => JSON.stringify(JSON.parse(await readFile(path, 'utf8')))
    // Another white space than before is no damage.
    do {
      await copyFile(copy, this.#statePath)
      await this.#damage(this.#statePath)
    } while ((await contents(this.#statePath).catch(() => undefined)) === (await contents(copy)))
    const refused = await this.#start().ended
    if (!/\(state\/(damaged|edited|version|other-migration)\)/.test(refused.stderr))
      throw new Error(`a damaged state was not refused: ${refused.stderr}`)
    const again = this.#random() < 0.7
    if (again) await copyFile(copy, this.#statePath)
    else await rm(this.#statePath)
    return `${killed}, refused, ${again ? 'its copy put back' : 'started over'}`
  }

  async #damage(path: string): Promise<void> {
    const { length } = await readFile(path)
    if (this.#random() < 0.4 || length === 0) return truncate(path, Math.floor(this.#random() * length))
    const file = await open(path, 'r+')
    try {
      const at = Math.floor(this.#random() * length)
      const byte = Buffer.alloc(1)
      await file.read(byte, 0, 1, at)
      await file.write(Buffer.of((byte[0] ?? 0) ^ (1 + Math.floor(this.#random() * 255))), 0, 1, at)
    } finally {
      await file.close()
    }
  }
}

const preloaded = () => ({ NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import ${HURT}` })

function outcomeOf({ exitCode, signal, stderr }: Ended): string {
  const code = /\(([a-z-]+\/[a-z-]+)\)/.exec(stderr)?.[1]
  // A defect is never the answer, whatever the fault.
  if (/has a defect/.test(stderr)) throw new Error(stderr)
  return signal ?? `${exitCode}${code === undefined ? '' : ` (${code})`}`
}
