/** `influx-ferry run --json` as a process to be killed: its events as they come. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Phase, RunEvent } from '../../src/run/event.generated.ts'
import { FERRY } from './ferry.ts'

export interface Ended {
  /** Null when a signal ended it. */
  exitCode: number | null
  signal: NodeJS.Signals | null
  stderr: string
}

export class FerryProcess {
  readonly child: ChildProcess
  readonly events: RunEvent[] = []
  /** The process is gone and its output read. */
  readonly ended: Promise<Ended>
  /** The phase that began last. */
  phase: Phase | undefined
  #stderr = ''
  #watchers = new Set<() => void>()

  /** `before`: what a shell does first, as `ulimit -f 8`. */
  constructor(
    args: readonly string[],
    { cwd, env = {}, before }: { cwd: string; env?: NodeJS.ProcessEnv; before?: string | undefined },
  ) {
    const command = [process.execPath, FERRY, ...args]
    const [program = '', ...rest] =
      before === undefined ? command : ['sh', '-c', `${before}; exec "$@"`, 'sh', ...command]
    this.child = spawn(program, rest, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const { stdout, stderr } = this.child
    if (stdout === null || stderr === null) throw new Error('no output')
    stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    createInterface({ input: stdout }).on('line', (line) => this.#take(line))
    const closed = once(this.child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
    this.ended = closed.then(([exitCode, signal]) => ({ exitCode, signal, stderr: this.#stderr }))
  }

  /** Resolves with true when an event is there that `matches`, with false when the process ended without one. */
  async sees(matches: (event: RunEvent) => boolean): Promise<boolean> {
    let over = false
    void this.ended.then(() => {
      over = true
      for (const watcher of this.#watchers) watcher()
    })
    for (let next = 0; ;) {
      for (; next < this.events.length; next += 1) if (matches(this.events[next] as RunEvent)) return true
      if (over) return false
      await new Promise<void>((resolve) => {
        const watcher = () => {
          this.#watchers.delete(watcher)
          resolve()
        }
        this.#watchers.add(watcher)
      })
    }
  }

  /** Waits, at most until the process ends. */
  async runFor(milliseconds: number): Promise<void> {
    const stop = new AbortController()
    const slept = sleep(milliseconds, undefined, { signal: stop.signal }).catch(() => undefined)
    await Promise.race([slept, this.ended])
    stop.abort()
  }

  async end(signal: NodeJS.Signals): Promise<Ended> {
    this.child.kill(signal)
    return this.ended
  }

  #take(line: string): void {
    // The last line of a killed process may be torn.
    if (!line.endsWith('}')) return
    const event = JSON.parse(line) as RunEvent
    if (event.type === 'phase-started') this.phase = event.phase
    this.events.push(event)
    for (const watcher of this.#watchers) watcher()
  }
}

/** Waits until no process has `text` in its command line; what is left after `milliseconds`. */
export async function processesLeft(text: string, milliseconds = 10_000): Promise<string[]> {
  for (const deadline = Date.now() + milliseconds; ; await sleep(50)) {
    const left = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => commandLine(pid))
      .filter((line) => line.includes(text))
    if (left.length === 0 || Date.now() > deadline) return left
  }
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}
