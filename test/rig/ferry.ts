/** The executable as a process of its own, as a user runs it; `build.ts` keeps it current. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DeadLetter } from '../../src/lines/dead-letter.ts'
import type { State } from '../../src/state/state.generated.ts'
import type { Totals } from '../../src/state/totals.ts'

export const FERRY = join(import.meta.dirname, '../../bin/influx-ferry.js')

export interface Finished {
  exitCode: number | null
  stdout: string
  stderr: string
  milliseconds: number
}

export async function ferry(
  args: readonly string[],
  { cwd, env = {} }: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Finished> {
  const started = performance.now()
  const child = spawn(process.execPath, [FERRY, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [exitCode] = (await once(child, 'close')) as [number | null]
  return { exitCode, stdout, stderr, milliseconds: performance.now() - started }
}

/** A folder with a manifest, and what influx-ferry makes beside it. */
export interface Migration {
  folder: string
  run(...flags: string[]): Promise<Finished>
  /** Another command with the same manifest. */
  command(name: string, ...flags: string[]): Promise<Finished>
  /** `status --json`. */
  status(): Promise<State & { totals: Totals }>
  /** Replaces the manifest. */
  rewrite(manifest: string): Promise<void>
  /** All dead letters, those of one mapping in their order. */
  letters(): Promise<DeadLetter[]>
  remove(): Promise<void>
}

/** `env` holds the variables that the manifest names. */
export async function migrationOf(manifest: string, env: NodeJS.ProcessEnv): Promise<Migration> {
  const folder = await mkdtemp(join(tmpdir(), 'influx-ferry-migration-'))
  const file = join(folder, 'manifest.yaml')
  const work = join(folder, '.influx-ferry')
  await writeFile(file, manifest)
  return {
    folder,
    run: (...flags) => ferry(['run', file, ...flags], { cwd: folder, env }),
    command: (name, ...flags) => ferry([name, file, ...flags], { cwd: folder, env }),
    async status() {
      const { exitCode, stdout, stderr } = await ferry(['status', file, '--json'], { cwd: folder })
      if (exitCode !== 0) throw new Error(`status: ${exitCode}\n${stderr}`)
      return JSON.parse(stdout) as State & { totals: Totals }
    },
    rewrite: (text) => writeFile(file, text),
    async letters() {
      await mkdir(work, { recursive: true })
      const names = (await readdir(work, { recursive: true })).filter((name) => name.endsWith('.ndjson'))
      const texts = await Promise.all(names.sort().map((name) => readFile(join(work, name), 'utf8')))
      const lines = texts.join('').split('\n')
      return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as DeadLetter)
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
