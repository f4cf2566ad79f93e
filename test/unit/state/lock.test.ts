import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, readFile, readdir, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { acquireLock } from '../../../src/state/lock.ts'
import { temporaryFolder } from '../../rig/temporary-folder.ts'

test('a second run is told who holds the lock, and gets it when it is released', async () => {
  const state = join(await temporaryFolder(), 'plant.state.json')
  const lock = await acquireLock(state)
  await expect(acquireLock(state)).rejects.toMatchObject({
    code: 'lock/held',
    exit: 4,
    message: expect.stringContaining(`process ${process.pid}`) as string,
  })
  await lock.release()
  await (await acquireLock(state)).release()
  await expect(access(`${state}.lock`)).rejects.toThrow('ENOENT')
})

test('the lock of a process that was killed is taken over', async () => {
  const state = join(await temporaryFolder(), 'plant.state.json')
  const killed = spawn('sleep', ['100'])
  killed.kill('SIGKILL')
  await once(killed, 'exit')
  await writeFile(`${state}.lock`, JSON.stringify({ pid: killed.pid, host: hostname(), since: 'then' }))
  const lock = await acquireLock(state)
  expect(JSON.parse(await readFile(`${state}.lock`, 'utf8'))).toMatchObject({ pid: process.pid })
  await lock.release()
  expect(await readdir(join(state, '..'))).toEqual([])
})

test('drafts of killed runs are removed, and nothing else', async () => {
  const folder = await temporaryFolder()
  const killed = spawn('true')
  await once(killed, 'exit')
  const drafts = ['tmp', 'lock', 'lock.stale'].map((kind) =>
    kind === 'tmp' ? `p.state.json.${killed.pid}.tmp` : `p.state.json.${kind}.${killed.pid}`,
  )
  const others = ['p.state.json', `q.state.json.${killed.pid}.tmp`, `p.state.json.${process.ppid}.tmp`]
  for (const name of [...drafts, ...others]) await writeFile(join(folder, name), '')
  await (await acquireLock(join(folder, 'p.state.json'))).release()
  expect((await readdir(folder)).sort()).toEqual(others.sort())
})

test('a pid that now belongs to another process does not hold the lock', async () => {
  const state = join(await temporaryFolder(), 'plant.state.json')
  await writeFile(
    `${state}.lock`,
    JSON.stringify({ pid: process.pid, host: hostname(), since: 'then', ticks: '1' }),
  )
  await (await acquireLock(state)).release()
})

test('a lock of another host is left alone', async () => {
  const state = join(await temporaryFolder(), 'plant.state.json')
  await writeFile(`${state}.lock`, JSON.stringify({ pid: 1, host: 'elsewhere', since: 'then' }))
  await expect(acquireLock(state)).rejects.toMatchObject({
    code: 'lock/held',
    message: expect.stringContaining('elsewhere') as string,
  })
})

test('of many that want it at once exactly one gets it', async () => {
  const state = join(await temporaryFolder(), 'plant.state.json')
  await writeFile(
    `${state}.lock`,
    JSON.stringify({ pid: process.pid, host: hostname(), since: 'then', ticks: '1' }),
  )
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => acquireLock(state)))
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})
