/** Files that carry the number of the process that makes them, and outlive it when it is killed. */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCodeOf } from '../core/failure.ts'

/**
 * Removes what processes of this machine left behind in `folder`: names of `prefix` and what matches `rest`, whose
 * first group is a process number, where that process is gone. `recursive` looks into folders below. A missing
 * folder is fine, and so is a file that cannot be removed (another user's, in a shared folder).
 */
export async function removeLeftBehind(
  folder: string,
  prefix: string,
  rest: RegExp,
  recursive = false,
): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true, recursive }).catch(() => [])
  for (const { name, parentPath } of entries) {
    if (!name.startsWith(prefix)) continue
    const pid = Number(rest.exec(name.slice(prefix.length))?.[1] ?? 0)
    if (pid === 0) continue
    const path = join(parentPath, name)
    if (await isMadeByGone(pid, path)) await rm(path, { recursive: true, force: true }).catch(() => undefined)
  }
}

async function isMadeByGone(pid: number, path: string): Promise<boolean> {
  // In a container the next process often has the number of the one that was killed.
  if (pid === process.pid) {
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }))
    return mtimeMs < Date.now() - process.uptime() * 1000
  }
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return systemCodeOf(error) === 'ESRCH'
  }
}
