import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { spawnStreaming } from '../../../src/io/process.ts'
import { processesLeft } from '../../rig/ferry-process.ts'
import { temporaryFolder } from '../../rig/temporary-folder.ts'

const { signal } = new AbortController()

describe('a program that is guarded', () => {
  it('ends as it ends without a guard, which is gone then too', async () => {
    const folder = await temporaryFolder()
    const pidFile = join(folder, 'pid')
    const child = await spawnStreaming(['sh', '-c', 'echo "$1 $$"; exit 3', 'sh'], ['a "b" $c'], {
      signal,
      pidFile,
    })
    let output = ''
    for await (const chunk of child.stdout) output += String(chunk)
    child.stderr.resume()
    expect(await child.ended).toEqual({ exitCode: 3, signal: undefined, failure: undefined })
    expect(output).toBe(`a "b" $c ${await readFile(pidFile, 'utf8')}`)
    expect(await processesLeft(folder)).toEqual([])
  })

  it('tells a signal, and a program that is not there', async () => {
    const pidFile = join(await temporaryFolder(), 'pid')
    const killed = await spawnStreaming(['sh', '-c', 'kill -9 $$'], [], { signal, pidFile })
    expect(await drained(killed)).toMatchObject({
      exitCode: undefined,
      signal: 'SIGKILL',
      failure: undefined,
    })
    const missing = await spawnStreaming([join(pidFile, 'nowhere')], [], { signal, pidFile })
    expect((await drained(missing)).failure).toMatchObject({ code: 'process/not-found' })
  })
})

async function drained(child: Awaited<ReturnType<typeof spawnStreaming>>) {
  child.stdout.resume()
  child.stderr.resume()
  return child.ended
}
