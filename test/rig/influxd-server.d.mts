import type { ChildProcess } from 'node:child_process'

export interface InfluxdOptions {
  /** Default: a new folder under the system's temporary one. An existing one is taken up as it is. */
  dir?: string
  /** When a shard that nothing is written to is snapshotted to TSM, a Go duration. `24h`: data stays in the WAL. Default `1s`. */
  snapshotAfter?: string
  /** Default `inmem`, as in 1.x. */
  indexVersion?: 'inmem' | 'tsi1'
  /** Whether expired shard groups are dropped (every 30 min). Default false. */
  retentionEnforced?: boolean
}

export interface InfluxdServer {
  readonly dir: string
  readonly dirs: { data: string; wal: string; meta: string }
  /** `http://127.0.0.1:port`, the same after a restart. */
  readonly url: string
  readonly pid: number | undefined
  /** Line protocol, nanoseconds. Throws unless influxd took every line. */
  write(lines: string | readonly string[], db: string, rp?: string): Promise<void>
  writeGzip(gzip: Uint8Array, db: string, rp?: string): Promise<void>
  /** Runs InfluxQL statements, `epoch=ns`, and returns the JSON text. A statement's error is thrown. */
  execute(q: string, db?: string): Promise<string>
  /** Resolves when every WAL has been turned into TSM files. Needs a short `snapshotAfter`. */
  snapshotted(): Promise<void>
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>
  restart(changes?: Omit<InfluxdOptions, 'dir'>): Promise<void>
  /** Stops it and removes its folder. */
  remove(): Promise<void>
}

export function startInfluxdServer(options?: InfluxdOptions): Promise<InfluxdServer>

export interface Launched {
  child: ChildProcess
  /** Resolves when the process has ended. */
  ended: Promise<unknown>
  /** The match of `listening` in the output. */
  match: RegExpExecArray
  output(): string
}

/** Starts a server, waits for `listening` in its output (stdout or stderr), kills it when this process ends. */
export function launch(
  program: string,
  args: readonly string[],
  listening: RegExp,
  milliseconds?: number,
): Promise<Launched>
