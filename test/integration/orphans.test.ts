/** What a killed process started must not work on: influx_inspect would wait for its reader for ever. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../rig/temporary-folder.ts'

const PROCESS = join(import.meta.dirname, '../../dist/io/process.js')

it('a guarded program ends with a process that is killed right after it started it', async () => {
  const folder = await temporaryFolder()
  const script = join(folder, 'starter.mjs')
  await writeFile(
    script,
    `import { spawnStreaming } from ${JSON.stringify(PROCESS)}
     const { signal } = new AbortController()
     for (const i of [1, 2, 3]) await spawnStreaming(['sleep'], ['1000'], { signal, pidFile: ${JSON.stringify(folder)} + '/pid' + i })
     process.kill(process.pid, 'SIGKILL')`,
  )
  const starter = spawn(process.execPath, [script], { stdio: 'inherit' })
  expect(await once(starter, 'exit')).toEqual([null, 'SIGKILL'])
  const pids = await Promise.all([1, 2, 3].map((i) => pidIn(join(folder, `pid${i}`))))
  for (let round = 0; round < 200 && pids.some(isThere); round += 1) await sleep(50)
  expect(pids.filter(isThere)).toEqual([])
})

async function pidIn(file: string): Promise<number> {
  for (;;) {
    const text = await readFile(file, 'utf8').catch(() => '')
    if (text !== '') return Number(text)
    await sleep(10)
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
