/**
 * One run at a time for one state file. The lock is a file beside it that names its holder; the lock of a process
 * that was killed is recognised (the process is gone, or its number now belongs to another one) and taken over.
 */
import { readFileSync } from 'node:fs'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname } from 'node:path'
import { ExitCode, Failure, reasonOf, systemCodeOf } from '../core/failure.ts'
import { removeLeftBehind } from '../io/left-behind.ts'

interface Holder {
  pid: number
  host: string
  since: string
  /** Start of the process in clock ticks since boot (Linux); tells a reused pid. */
  ticks: string | undefined
}

export interface Lock {
  release(): Promise<void>
}

/**
 * Drafts of the lock and of the state file that killed runs left beside them are removed.
 *
 * @throws Failure `lock/held` (exit code 4) naming the holder, `lock/unwritable`
 */
export async function acquireLock(statePath: string): Promise<Lock> {
  const path = `${statePath}.lock`
  const own = JSON.stringify(ownIdentity())
  const draft = `${path}.${process.pid}`
  try {
    await writeFile(draft, own)
  } catch (error) {
    throw new Failure('lock/unwritable', `cannot create the lock file: ${reasonOf(error)}`, {
      where: path,
      remedy: 'Make its folder writable for you, or keep the state elsewhere (--state).',
      cause: error,
    })
  }
  try {
    // link() fails when the name exists and shows the whole content at once: no one sees an empty lock.
    for (let attempt = 0; attempt < 10; attempt += 1) {
      try {
        await link(draft, path)
        await removeLeftBehind(dirname(statePath), basename(statePath), DRAFT)
        return { release: () => release(path, own) }
      } catch (error) {
        if (systemCodeOf(error) !== 'EEXIST') throw error
        await removeIfStale(path)
      }
    }
    throw held(path, undefined)
  } finally {
    await rm(draft, { force: true })
  }
}

/** `state.json.7.tmp`, `state.json.lock.7`, `state.json.lock.stale.7` */
const DRAFT = /^(?:\.lock(?:\.stale)?)?\.(\d+)(?:\.tmp)?$/

async function removeIfStale(path: string): Promise<void> {
  const content = await readFile(path, 'utf8').catch(() => undefined)
  if (content === undefined) return
  const holder = parseHolder(content)
  if (holder === undefined || holder.host !== hostname() || isAlive(holder)) throw held(path, holder)
  // Two runs may find the same stale lock: what was moved away is looked at once more, and a live one put back.
  const aside = `${path}.stale.${process.pid}`
  await rename(path, aside).catch(() => undefined)
  const moved = await readFile(aside, 'utf8').catch(() => undefined)
  if (moved !== undefined && moved !== content) await link(aside, path).catch(() => undefined)
  await rm(aside, { force: true })
}

async function release(path: string, own: string): Promise<void> {
  const content = await readFile(path, 'utf8').catch(() => undefined)
  if (content === own) await rm(path, { force: true })
}

function ownIdentity(): Holder {
  return {
    pid: process.pid,
    host: hostname(),
    since: new Date().toISOString(),
    ticks: startTicks(process.pid),
  }
}

function parseHolder(content: string): Holder | undefined {
  try {
    const holder = JSON.parse(content) as Holder
    return typeof holder.pid === 'number' && typeof holder.host === 'string' ? holder : undefined
  } catch {
    return undefined
  }
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if (systemCodeOf(error) === 'ESRCH') return false
  }
  const ticks = startTicks(holder.pid)
  return ticks === undefined || holder.ticks === undefined || ticks === holder.ticks
}

/** Field 22 of /proc/<pid>/stat, proc(5); the command in field 2 may hold spaces and brackets. */
function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

function held(path: string, holder: Holder | undefined): Failure {
  const who =
    holder === undefined ? 'another run' : `process ${holder.pid} on ${holder.host}, since ${holder.since},`
  return new Failure('lock/held', `${who} works on this migration`, {
    where: path,
    exit: ExitCode.locked,
    remedy: 'Wait for it, or stop it. If you are sure that no such run is left, delete the lock file.',
  })
}
